// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { declarationSchema } from './schema.ts';

/** A node of the JSON Schema, as far as the reference needs it. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly anyOf?: readonly SchemaNode[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** How a person would name the values, where the type does not. */
  readonly 'x-values'?: string;
}

/** JSON Schema (2020-12) of a declaration, for editors. */
export function declarationJsonSchema(): SchemaNode & Readonly<Record<string, unknown>> {
  // Input side: what a person writes. Defaults are told as written, so durations come out as text.
  return z.toJSONSchema(declarationSchema, { io: 'input', unrepresentable: 'any' }) as SchemaNode &
    Readonly<Record<string, unknown>>;
}
