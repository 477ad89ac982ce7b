// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import {
  encodeFunctionSpecification,
  type FunctionSpecification,
  parseFunctionSpecification,
} from '@vnfpool/wire/mobility';
import { parseDocument } from 'yaml';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';

/** Programs that a catalogue may name. */
const PROGRAMS_MAX = 1024;
const NAME_BYTES_MAX = 255;

/**
 * A function specification in YAML or JSON; `v` and `kind` need not be said, nor an empty `command`.
 * @throws CliError 1 naming the file, and the place in it
 */
export async function readSpecification(path: string, io: CliIo): Promise<FunctionSpecification> {
  return specificationOf(await readYaml(path, io), path, 'specification');
}

/**
 * A catalogue: function names, each with its specification.
 * @throws CliError 1 naming the file, and the place in it
 */
export async function readCatalogue(
  path: string,
  io: CliIo,
): Promise<ReadonlyMap<string, FunctionSpecification>> {
  const value = await readYaml(path, io);
  if (!isRecord(value)) throw new CliError(1, `${path}: it must map function names to specifications`);
  const entries = Object.entries(value);
  if (entries.length > PROGRAMS_MAX)
    throw new CliError(1, `${path}: ${entries.length} programs, at most ${PROGRAMS_MAX}`);
  const long = entries.find(([name]) => name === '' || Buffer.byteLength(name) > NAME_BYTES_MAX);
  if (long) throw new CliError(1, `${path}: a function name has 1 to ${NAME_BYTES_MAX} octets`);
  return new Map(entries.map(([name, entry]) => [name, specificationOf(entry, path, name)]));
}

async function readYaml(path: string, io: CliIo): Promise<unknown> {
  let text: string;
  try {
    text = await io.readText(path);
  } catch (error) {
    throw new CliError(1, `${path} cannot be read: ${(error as Error).message}`);
  }
  const document = parseDocument(text, { prettyErrors: false });
  const [fault] = document.errors;
  if (fault) {
    const before = text.slice(0, fault.pos[0]).split('\n');
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw new CliError(1, `${path}:${before.length}:${column} ${fault.message}`);
  }
  try {
    return document.toJS();
  } catch (error) {
    // Aliases without end, for instance.
    throw new CliError(1, `${path}: ${(error as Error).message}`);
  }
}

function specificationOf(value: unknown, path: string, name: string): FunctionSpecification {
  if (!isRecord(value)) throw new CliError(1, `${path}: ${name} must be a function specification`);
  try {
    // By its octets, as a node will read it.
    const implied =
      'container' in value
        ? { v: 1, kind: 'container', command: [] }
        : 'netns' in value
          ? { v: 1, kind: 'netns', command: [] }
          : { v: 1, kind: 'process' };
    const octets = new TextEncoder().encode(JSON.stringify({ ...implied, ...value }));
    const specification = parseFunctionSpecification(octets);
    const unknown = Object.keys(value).find((key) => !(key in specification));
    if (unknown !== undefined) throw new CliError(1, `${path}: ${name}.${unknown} is not known`);
    encodeFunctionSpecification(specification);
    return specification;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new CliError(1, `${path}: ${error.message.replace(/^specification/, name)}`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
