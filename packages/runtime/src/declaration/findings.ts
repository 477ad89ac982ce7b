// SPDX-License-Identifier: Apache-2.0
import type { z } from 'zod';
import type { Finding } from './checks.ts';
import { declarationJsonSchema, type SchemaNode } from './json-schema.ts';
import { suggestion } from './suggestion.ts';

type Issue = z.core.$ZodIssue;

/** What the schema found, in words for the person who wrote the file. */
export function findingsOf(issues: readonly Issue[], at: readonly PropertyKey[] = []): Finding[] {
  return issues.flatMap((issue) => findingOf(issue, [...at, ...issue.path]));
}

function findingOf(issue: Issue, path: readonly PropertyKey[]): Finding[] {
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(path);
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, known) }));
    }
    case 'invalid_type':
      return [
        { path, message: issue.message.startsWith('Invalid input') ? wrongType(issue, path) : issue.message },
      ];
    case 'invalid_value':
      return [{ path, message: `must be one of ${issue.values.map(String).join(', ')}` }];
    case 'invalid_key':
      return [{ path, message: issue.issues[0]?.message ?? issue.message }];
    case 'invalid_union': {
      if (!issue.message.startsWith('Invalid input')) {
        // What it may be is said in one sentence, unless it is one of them with a mistake inside.
        const inside = issue.errors.find((branch) =>
          branch.every(
            (inner) => inner.path.length > 0 || inner.code === 'too_big' || inner.code === 'too_small',
          ),
        );
        return inside ? findingsOf(inside, path) : [{ path, message: issue.message }];
      }
      // The branch that fits the kind of value written is the one that was meant.
      const meant = issue.errors.find(
        (branch) => !branch.some((inner) => inner.code === 'invalid_type' && inner.path.length === 0),
      );
      if (meant) return findingsOf(meant, path);
      return [{ path, message: 'must be a list of names, or a map with a name as key' }];
    }
    case 'too_big':
    case 'too_small':
      return [{ path, message: issue.message.startsWith('Too ') ? wrongSize(issue) : issue.message }];
    case 'custom':
    case 'invalid_element':
    case 'invalid_format':
    case 'not_multiple_of':
      return [{ path, message: issue.message }];
  }
}

function wrongSize(issue: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall): string {
  return issue.code === 'too_big'
    ? `must have at most ${issue.maximum} entries`
    : `must have at least ${issue.minimum} entries`;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
  array: 'a list',
  number: 'a number',
};

function wrongType(issue: z.core.$ZodIssueInvalidType, path: readonly PropertyKey[]): string {
  const kind = KINDS[issue.expected] ?? issue.expected;
  if (issue.message.endsWith('received undefined'))
    return `${String(path.at(-1) ?? 'the file')} is missing; it must be ${kind}`;
  return `must be ${kind}`;
}

function unknownKey(key: string, known: readonly string[]): string {
  if (known.length === 0) return `unknown key ${JSON.stringify(key)}; no keys are allowed here`;
  const near = suggestion(key, known);
  const hint = near ? `did you mean ${near}?` : `allowed: ${known.join(', ')}`;
  return `unknown key ${JSON.stringify(key)}; ${hint}`;
}

let schema: SchemaNode | undefined;

/** Keys that may stand at a place, whichever of several forms the value there has. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  schema ??= declarationJsonSchema();
  const forms = (node: SchemaNode): SchemaNode[] => node.anyOf?.flatMap(forms) ?? [node];
  let nodes = forms(schema);
  for (const part of path) {
    nodes = nodes.flatMap((node) => {
      const next =
        typeof part === 'number'
          ? node.items
          : (node.properties?.[String(part)] ?? node.additionalProperties);
      return typeof next === 'object' ? forms(next) : [];
    });
  }
  return nodes.flatMap(({ properties }) => Object.keys(properties ?? {}));
}
