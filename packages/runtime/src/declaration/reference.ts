// SPDX-License-Identifier: Apache-2.0
import { declarationJsonSchema, type SchemaNode } from './json-schema.ts';

/** Every key of a declaration as a Markdown table, from the descriptions in the schema. */
export function declarationReference(): string {
  const rows: string[] = [];
  collect(declarationJsonSchema(), '', rows);
  return ['| key | value | default | meaning |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

function collect(node: SchemaNode, path: string, rows: string[]): void {
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const here = path === '' ? key : `${path}.${key}`;
    rows.push(row(here, child, node.required?.includes(key) ?? false));
    descend(child, here, rows);
  }
}

function descend(node: SchemaNode, path: string, rows: string[]): void {
  if (node.properties) collect(node, path, rows);
  if (node.items) descend(node.items, `${path}[]`, rows);
  if (typeof node.additionalProperties === 'object') descend(node.additionalProperties, `${path}.NAME`, rows);
}

function row(path: string, node: SchemaNode, required: boolean): string {
  const fallback = required ? '**required**' : node.default === undefined ? '' : code(node.default);
  return `| \`${path}\` | ${valueOf(node)} | ${fallback} | ${(node.description ?? '').replaceAll('|', '\\|')} |`;
}

function valueOf(node: SchemaNode): string {
  if (node['x-values'] !== undefined) return node['x-values'];
  if (node.enum) return node.enum.map((value) => `\`${value}\``).join(', ');
  if (node.anyOf) return node.anyOf.map(valueOf).join(' or ');
  if (node.type === 'integer' || node.type === 'number') return `${node.minimum} to ${node.maximum}`;
  if (node.type === 'array') return `list of ${node.items ? valueOf(node.items) : 'values'}`;
  if (node.type === 'object') return 'map';
  if (node.type === 'string') return 'text';
  return node.type ?? '';
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
