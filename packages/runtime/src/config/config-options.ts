// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

/** One setting of a daemon, as its schema says it. */
export interface ConfigOption {
  /** In the file: `listen.port`. */
  readonly path: readonly string[];
  /** On the command line, without the dashes: `listen-port`. */
  readonly flag: string;
  /** In the environment: `VNFPOOL_LISTEN_PORT`. */
  readonly variable: string;
  readonly kind: 'text' | 'number' | 'truth' | 'list';
  readonly description: string;
  readonly default: unknown;
  readonly required: boolean;
}

/** Every leaf of a configuration schema. Objects nest; lists are of texts, written with commas. */
export function configOptions(schema: z.ZodObject, path: readonly string[] = []): ConfigOption[] {
  return Object.entries(schema.shape).flatMap(([key, field]) => {
    const own = [...path, key];
    const { inner, fallback, required, description } = unwrap(field as z.ZodType);
    if (inner instanceof z.ZodObject) return configOptions(inner, own);
    const words = own.map(kebab);
    return {
      path: own,
      flag: words.join('-'),
      variable: `VNFPOOL_${words.join('_').replaceAll('-', '_').toUpperCase()}`,
      kind: kindOf(inner),
      description,
      default: fallback,
      required,
    };
  });
}

/** Takes off `.default()`, `.optional()`, `.prefault()` and the like. */
function unwrap(field: z.ZodType): {
  inner: z.ZodType;
  fallback: unknown;
  required: boolean;
  description: string;
} {
  let inner = field;
  let fallback: unknown;
  let required = true;
  let description = field.description ?? '';
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodNullable
  ) {
    if (!(inner instanceof z.ZodOptional) && !(inner instanceof z.ZodNullable))
      fallback = inner.def.defaultValue;
    if (!(inner instanceof z.ZodNullable)) required = false;
    inner = inner.unwrap() as z.ZodType;
    description ||= inner.description ?? '';
  }
  return { inner, fallback, required, description };
}

function kindOf(field: z.ZodType): ConfigOption['kind'] {
  if (field instanceof z.ZodNumber) return 'number';
  if (field instanceof z.ZodBoolean) return 'truth';
  return field instanceof z.ZodArray ? 'list' : 'text';
}

function kebab(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
