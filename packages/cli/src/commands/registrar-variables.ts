// SPDX-License-Identifier: Apache-2.0
import {
  type RegistrarTuning,
  type RegistrarVariable,
  registrarRates,
  registrarVariables,
} from '@vnfpool/core/scope';
import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../output/duration.ts';

/** One option for each variable and each rate of a registrar. */
export function variableOptions(): Option[] {
  const variables = registrarVariables.map((variable) => {
    const value = variable.kind === 'duration' ? '<duration>' : '<number>';
    return new Option(`--${variable.flag} ${value}`, variable.help).argParser((text) =>
      readVariable(variable, text),
    );
  });
  const rates = registrarRates.map(({ flag, help }) =>
    new Option(`--${flag} <per-second>`, `${help} a second, twice as many at once`).argParser((text) => {
      const perSecond = Number(text);
      if (!/^\d+(\.\d+)?$/.test(text) || perSecond <= 0)
        throw new InvalidArgumentError('It is a number of messages a second.');
      return { perSecond, burst: 2 * perSecond };
    }),
  );
  return [...variables, ...rates];
}

/** What was said of the variables, as the registrar's options. */
export function readTuning(options: object): RegistrarTuning {
  const said = options as Readonly<Record<string, unknown>>;
  const values = [...registrarVariables, ...registrarRates].flatMap(({ option, flag }) => {
    const value = said[flag.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
    return value === undefined ? [] : [[option, value]];
  });
  return Object.fromEntries(values);
}

function readVariable({ kind, min }: RegistrarVariable, text: string): number {
  const value = kind === 'duration' ? parseDuration(text) : /^\d+$/.test(text) ? Number(text) : undefined;
  if (value === undefined || value < min) {
    const wanted =
      kind === 'duration' ? `a duration from ${min}ms, such as 500ms or 30s` : `a number from ${min}`;
    throw new InvalidArgumentError(`It is ${wanted}.`);
  }
  return value;
}
