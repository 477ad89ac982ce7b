// SPDX-License-Identifier: Apache-2.0
import {
  encodeFunctionSpecification,
  type FunctionSpecification,
  MobilityError,
} from '@vnfpool/wire/mobility';

/** Programs by function name (option 7/1): what a manager that knows no extensions can choose from. */
export type Catalogue = ReadonlyMap<string, FunctionSpecification>;

export interface Chosen {
  readonly specification: FunctionSpecification | null;
  readonly specificationOctets: Uint8Array | null;
}

export interface Refused {
  readonly code: number;
  readonly error: number;
  readonly text: string;
}

const FAILED = 128;
const PROHIBITED = 130;

/**
 * What an ADD means on a node with this catalogue; null: a node that runs what it is told to. Where there is a
 * catalogue a manager chooses from it and brings nothing along.
 */
export function chooseProgram(
  catalogue: Catalogue | null,
  order: Chosen & { readonly name: string | null },
): Chosen | Refused {
  const { name, specification, specificationOctets } = order;
  const refuse = (code: number, text: string): Refused => ({
    code,
    error: MobilityError.specificationRefused,
    text,
  });
  if (catalogue === null) {
    if (specification === null && name !== null)
      return refuse(FAILED, `no catalogue here: "${name}" needs a specification`);
    return { specification, specificationOctets };
  }
  if (specification !== null)
    return refuse(PROHIBITED, 'only programs of the catalogue run here: send a name, no specification');
  // Without a name: a change to what runs already.
  if (name === null) return { specification, specificationOctets };
  const program = catalogue.get(name);
  if (program === undefined)
    return refuse(FAILED, `the catalogue has no "${name}", it has ${[...catalogue.keys()].join(', ')}`);
  return { specification: program, specificationOctets: encodeFunctionSpecification(program) };
}

export function isRefused(choice: Chosen | Refused): choice is Refused {
  return 'code' in choice;
}
