// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { z } from 'zod';
import { type ConfigOption, configOptions } from './config-options.ts';

/** One thing wrong with the configuration. */
export interface ConfigFault {
  /** The setting's path, such as `listen.port`; a file or flag where there is none. */
  readonly path: string;
  readonly message: string;
  /** Where the value came from. */
  readonly source: 'file' | 'environment' | 'flags' | 'default';
}

/** Everything that is wrong, at once. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError';
  readonly code = 'config';
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    const lines = faults.map(({ path, message, source }) => `${path} (${source}): ${message}`);
    super(`the configuration has ${faults.length} fault(s)\n${lines.join('\n')}`);
    this.faults = faults;
  }
}

export interface ConfigSources {
  /** YAML or JSON; the flag `--config` names it too. */
  readonly file?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** `--flag value`, `--flag=value`, `--flag` and `--no-flag` for truths. */
  readonly flags?: readonly string[];
}

/** A schema of settings that gives a `Config`; write it with `z.strictObject`, so that unknown keys are faults. */
export type ConfigSchema<Config> = z.ZodType<Config> & z.ZodObject;

export interface LoadedConfig<Config> {
  readonly config: Config;
  /** `--check-config` was given: say that it is good, and do not start. */
  readonly checkOnly: boolean;
}

type Source = ConfigFault['source'];
type Tree = { [key: string]: unknown };

/**
 * Reads a daemon's configuration: file < environment < flags.
 * @throws ConfigError with every fault
 */
export function loadConfig<Config>(
  schema: ConfigSchema<Config>,
  sources: ConfigSources,
): LoadedConfig<Config> {
  const options = configOptions(schema);
  const faults: ConfigFault[] = [];
  const origin = new Map<string, Source>();
  const flags = readFlags(options, sources.flags ?? [], faults);
  const tree = readFile(flags.file ?? sources.file, faults);
  for (const path of leaves(tree)) origin.set(path, 'file');

  const put = (option: ConfigOption, text: string | boolean, source: Source): void => {
    assign(tree, option.path, typeof text === 'boolean' ? text : coerce(option, text));
    origin.set(option.path.join('.'), source);
  };
  for (const option of options) {
    const text = sources.environment?.[option.variable];
    if (text !== undefined && text !== '') put(option, text, 'environment');
  }
  for (const [option, text] of flags.values) put(option, text, 'flags');

  const result = schema.safeParse(tree);
  if (!result.success) {
    for (const issue of result.error.issues) {
      const path = issue.path.join('.');
      const source = origin.get(path) ?? nearest(origin, path) ?? 'default';
      faults.push({ path: path === '' ? '(top)' : path, message: issue.message, source });
    }
  }
  if (faults.length > 0 || !result.success) throw new ConfigError(faults);
  return { config: result.data, checkOnly: flags.checkOnly };
}

function readFile(file: string | undefined, faults: ConfigFault[]): Tree {
  if (file === undefined) return {};
  try {
    const value: unknown = parse(readFileSync(file, 'utf8'), { maxAliasCount: 0 });
    if (value === null || value === undefined) return {};
    if (typeof value === 'object' && !Array.isArray(value)) return value as Tree;
    faults.push({ path: file, message: 'is not a map of settings', source: 'file' });
  } catch (error) {
    faults.push({
      path: file,
      message: error instanceof Error ? error.message : String(error),
      source: 'file',
    });
  }
  return {};
}

function readFlags(
  options: readonly ConfigOption[],
  words: readonly string[],
  faults: ConfigFault[],
): { values: [ConfigOption, string | boolean][]; file: string | undefined; checkOnly: boolean } {
  const values: [ConfigOption, string | boolean][] = [];
  let file: string | undefined;
  let checkOnly = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [, name = '', joined] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const option = options.find(({ flag }) => flag === name);
    const negated = options.find(({ flag, kind }) => kind === 'truth' && `no-${flag}` === name);
    if (name === 'check-config' && joined === undefined) checkOnly = true;
    else if (negated !== undefined && joined === undefined) values.push([negated, false]);
    else if (option?.kind === 'truth' && joined === undefined) values.push([option, true]);
    else if (option === undefined && name !== 'config') {
      faults.push({ path: word, message: 'there is no such flag', source: 'flags' });
    } else {
      const next = words[at + 1];
      const text = joined ?? (next?.startsWith('--') === true ? undefined : next);
      if (joined === undefined && text !== undefined) at += 1;
      if (text === undefined) faults.push({ path: word, message: 'needs a value', source: 'flags' });
      else if (option === undefined) file = text;
      else values.push([option, text]);
    }
  }
  return { values, file, checkOnly };
}

/** A text from outside as the kind of its setting; what does not fit is left for the schema to refuse. */
function coerce(option: ConfigOption, text: string): unknown {
  switch (option.kind) {
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
    case 'truth':
      return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
    case 'list':
      return text.split(',').map((each) => each.trim());
    case 'text':
      return text;
  }
}

function assign(tree: Tree, path: readonly string[], value: unknown): void {
  let at = tree;
  for (const key of path.slice(0, -1)) {
    const next = at[key];
    at = typeof next === 'object' && next !== null ? (next as Tree) : ((at[key] = {}) as Tree);
  }
  const last = path.at(-1);
  if (last !== undefined) at[last] = value;
}

function leaves(tree: Tree, path = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const own = path === '' ? key : `${path}.${key}`;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? leaves(value as Tree, own)
      : [own];
  });
}

/** The source of something above or below `path`. */
function nearest(origin: ReadonlyMap<string, Source>, path: string): Source | undefined {
  for (const [known, source] of origin) {
    if (path === '' || known.startsWith(`${path}.`) || path.startsWith(`${known}.`)) return source;
  }
  return undefined;
}
