// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DeclaredSet } from '@vnfpool/core/declared';
import { councilWeaknesses } from '@vnfpool/core/planner';
import { readDeclaration } from '@vnfpool/runtime/declaration';
import { describe, expect, test } from 'vitest';

/* What people read is true where a program can tell: links lead somewhere, tests that are named exist, examples are valid. */

const root = fileURLToPath(new URL('../../..', import.meta.url));

function* markdownBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* markdownBelow(path);
    else if (entry.name.endsWith('.md')) yield path;
  }
}

const documents = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].map((name) => join(root, name)),
  ...markdownBelow(join(root, 'docs')),
].map((path) => ({ path, name: relative(root, path), text: readFileSync(path, 'utf8') }));

interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

function blocksOf(text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const language = /^```(\w*)$/.exec(lines[at] ?? '')?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`the block at line ${at + 1} has no end`);
    blocks.push({ language, text: lines.slice(at + 1, end).join('\n'), line: at + 1 });
    at = end;
  }
  return blocks;
}

/** The text without code: blocks, and what stands between backticks. */
function proseOf(text: string): string {
  return text.replaceAll(/^```[^]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '``');
}

/** Targets of `[text](target)`, `![text](target)` and `[name]: target`. */
function linksOf(prose: string): string[] {
  const inline = [...prose.matchAll(/\]\(([^)\s]+)\)/g)];
  const definitions = [...prose.matchAll(/^\[[^\]]+\]: (\S+)$/gm)];
  return [...inline, ...definitions].map((match) => match[1] ?? '');
}

/** The name by which a heading is linked to, as GitHub makes it. */
function anchorsOf(text: string): Set<string> {
  const headings = text.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map((match) =>
      (match[1] ?? '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Why a link leads nowhere, or undefined. Other sites are not asked. */
function faultOf(path: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined;
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? path : resolve(dirname(path), decodeURIComponent(file));
  if (!target.startsWith(root)) return `${link} leads out of the repository`;
  if (!existsSync(target)) return `${link} does not exist`;
  if (anchor === undefined) return undefined;
  const known = statSync(target).isFile() ? anchorsOf(readFileSync(target, 'utf8')) : new Set();
  return known.has(anchor) ? undefined : `${link} names no heading`;
}

describe.each(documents)('$name', ({ path, name, text }) => {
  test('links lead somewhere', () => {
    const faults = linksOf(proseOf(text)).map((link) => faultOf(path, link));
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
  });

  test('declarations of sets are valid', () => {
    const faults = blocksOf(text)
      .filter(({ language, text: yaml }) => language === 'yaml' && /^set:/m.test(yaml))
      .flatMap(({ text: yaml, line }) => {
        const read = readDeclaration(yaml, name);
        return 'faults' in read
          ? read.faults.map((fault) => `line ${line + fault.line}: ${fault.path} ${fault.message}`)
          : [];
      });
    expect(faults).toEqual([]);
  });

  test('examples of JSON can be read', () => {
    const faults = blocksOf(text)
      .filter(({ language }) => language === 'json')
      .flatMap(({ text: json, line }) => {
        try {
          JSON.parse(json);
          return [];
        } catch (error) {
          return [`line ${line}: ${(error as Error).message}`];
        }
      });
    expect(faults).toEqual([]);
  });
});

/** `[name] "title", "title"`: each title with the file that is linked before it in the same cell or paragraph. */
function namedTests(text: string): { readonly file: string; readonly title: string }[] {
  const definitions = new Map(
    [...text.matchAll(/^\[([^\]]+)\]: (\S+)$/gm)].map((match) => [match[1], match[2]]),
  );
  const named: { file: string; title: string }[] = [];
  let file: string | undefined;
  for (const [, link, title, end] of text.matchAll(/\[([^\]\n]+)\](?![(:])|"([^"\n]+)"|(\||\n\n)/g)) {
    if (link !== undefined) file = definitions.get(link);
    else if (end !== undefined) file = undefined;
    else if (title !== undefined) named.push({ file: file ?? `nothing is linked before "${title}"`, title });
  }
  return named;
}

/** Titles as they stand in the source, whatever quotes are around them. */
const sources = new Map<string, string>();
function sourceOf(path: string): string {
  const known = sources.get(path) ?? (existsSync(path) ? readFileSync(path, 'utf8') : '');
  sources.set(path, known);
  return known.replaceAll("\\'", "'");
}

test.each(['docs/conformance.md', 'docs/security.md'])('tests that %s names exist', (name) => {
  const path = join(root, name);
  const named = namedTests(proseOf(readFileSync(path, 'utf8')));
  expect(named.length).toBeGreaterThan(10);
  const missing = named.filter(({ file, title }) => {
    const source = sourceOf(resolve(dirname(path), file));
    return !["'", '"', '`'].some((quote) => source.includes(`${quote}${title}${quote}`));
  });
  expect(missing).toEqual([]);
});

test('the pair of docs/redundancy.md survives each of its nodes; without the witness it is warned of, as the page says', () => {
  const { text = '' } = documents.find(({ name }) => name === 'docs/redundancy.md') ?? {};
  const blocks = blocksOf(text);
  const yaml = blocks.find((block) => block.text.startsWith('set: pair'))?.text ?? '';
  const told = blocks.find((block) => block.text.startsWith('! ') && block.language === '')?.text;
  const declared = (of: string): DeclaredSet => {
    const read = readDeclaration(of, 'docs/redundancy.md');
    if ('faults' in read) throw new Error(read.faults.map(({ message }) => message).join('; '));
    return read.set;
  };
  expect(councilWeaknesses(declared(yaml))).toEqual([]);
  const alone = councilWeaknesses(declared(yaml.replace(', node-c: { witness: true }', '')));
  expect(alone.map((line) => `! ${line}`)).toEqual([told]);
});

test('the example is a valid set', () => {
  const path = join(root, 'examples/edge/set.yaml');
  expect(readDeclaration(readFileSync(path, 'utf8'), path)).toHaveProperty('set.name', 'edge');
});
