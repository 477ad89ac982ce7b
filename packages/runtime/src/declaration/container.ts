// SPDX-License-Identifier: Apache-2.0
import { isAbsolute, resolve } from 'node:path';
import type { ContainerSpecification } from '@vnfpool/wire/mobility';
import { z } from 'zod';
import type { Finding } from './checks.ts';
import { octets } from './quantity.ts';
import { text } from './words.ts';

/** `container` of a function, as a person writes it. */
export interface ContainerFile {
  readonly rootfs?: string | undefined;
  readonly bundle?: string | undefined;
  readonly mounts?:
    | readonly {
        readonly target: string;
        readonly source?: string | undefined;
        readonly readonly?: boolean | undefined;
        readonly size?: number | undefined;
      }[]
    | undefined;
  readonly readonly?: boolean | undefined;
  readonly user?: string | undefined;
  readonly capabilities?: readonly string[] | undefined;
  readonly hostname?: string | undefined;
}

// What a node accepts, as it checks it again: packages/wire/src/mobility/container.ts.
const path = (): z.ZodString => text(4_096).min(1, 'must not be empty');
const inside = (): z.ZodString =>
  path().regex(/^\/(?!\/*$)(?!.*(?:^|\/)\.\.(?:\/|$))/, 'must be an absolute path inside, without ".."');

const mount = z.strictObject({
  target: inside().meta({ description: 'Where it is inside.' }),
  source: path().optional().meta({
    description:
      'File or folder of the node; relative to the place of this file. Without it: an empty folder in memory.',
  }),
  readonly: z.boolean().optional().meta({ description: 'Default: what has a `source` cannot be written.' }),
  size: octets('4KiB', '1TiB').optional().meta({
    description: 'Of a folder in memory; default 16 MiB. What is in it counts as memory.',
  }),
});

/** A container for a function. */
export const containerSchema: z.ZodType<ContainerFile> = z.strictObject({
  rootfs: path().optional().meta({
    description: 'Folder that is its root file system, on every node; relative to the place of this file.',
  }),
  bundle: path().optional().meta({
    description:
      'In place of `rootfs`: folder of an OCI bundle, whose `config.json` says what is not said here, also the program.',
  }),
  mounts: z.array(mount).max(32).optional().meta({ description: 'What else it sees.' }),
  readonly: z.boolean().optional().meta({
    description:
      'Whether its root cannot be written. Default: it cannot; with `limits.storage` it can, and what was written ends with it.',
  }),
  user: text(21)
    .regex(/^\d{1,10}(?::\d{1,10})?$/, 'must be a user and a group by number: "1000:1000"')
    .optional()
    .meta({ description: 'User and group by number, in quotes; default root, of a bundle as it says.' }),
  capabilities: z
    .array(z.string().regex(/^(?!CAP_)[A-Z][A-Z_]{1,31}$/, 'must be a capability without CAP_: NET_ADMIN'))
    .max(41)
    .optional()
    .meta({
      description: 'What it may do, in place of the few things that root may by default: `NET_ADMIN`.',
    }),
  hostname: z
    .string()
    .regex(
      /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/,
      'must be a host name of at most 63 letters, digits and hyphens',
    )
    .optional()
    .meta({ description: 'Its name for itself; default: the name of the instance.' }),
});

/** What no single key of it can tell. */
export function checkContainerFile(
  at: readonly PropertyKey[],
  {
    program,
    directory,
    container,
    limits,
  }: {
    readonly program?: string | undefined;
    readonly directory: string;
    readonly container?: ContainerFile | undefined;
    readonly limits?: { readonly storage?: number | undefined } | undefined;
  },
): Finding[] {
  if (container === undefined) return [];
  const { rootfs, bundle, mounts = [], readonly } = container;
  const findings: Finding[] = [];
  const add = (message: string, ...path: readonly PropertyKey[]): void => {
    findings.push({ path: [...at, ...path], message });
  };
  if ((rootfs === undefined) === (bundle === undefined)) add('give one of rootfs and bundle', 'container');
  if (program === undefined && bundle === undefined) add('is missing: only a bundle may say it', 'program');
  if (directory !== '.' && !isAbsolute(directory))
    add('must be an absolute path inside the container', 'directory');
  if (readonly === true && limits?.storage !== undefined)
    add('does not go with limits.storage, which is of what may be written', 'container', 'readonly');
  for (const [i, { target, source, size, readonly: isReadonly }] of mounts.entries()) {
    const place = ['container', 'mounts', i] as const;
    if (mounts.findIndex((other) => other.target === target) < i)
      add(`${target} is named twice`, ...place, 'target');
    if (source !== undefined && size !== undefined) add('is of folders in memory', ...place, 'size');
    if (source === undefined && isReadonly === true)
      add('makes no sense of an empty folder', ...place, 'readonly');
    if (limits?.storage !== undefined && source !== undefined && isReadonly === false)
      add('a folder of the node would go around limits.storage', ...place, 'readonly');
  }
  return findings;
}

/** As a node is told. @param directory of the declaration's file */
export function normalContainer(
  { rootfs, bundle, mounts, readonly, user, capabilities, hostname }: ContainerFile,
  directory: string,
): ContainerSpecification {
  return {
    ...(rootfs === undefined ? {} : { rootfs: resolve(directory, rootfs) }),
    ...(bundle === undefined ? {} : { bundle: resolve(directory, bundle) }),
    ...(mounts === undefined
      ? {}
      : {
          mounts: mounts.map(({ target, source, readonly: isReadonly, size }) => ({
            target,
            ...(source === undefined ? {} : { source: resolve(directory, source) }),
            ...(isReadonly === undefined ? {} : { readonly: isReadonly }),
            ...(size === undefined ? {} : { sizeBytes: size }),
          })),
        }),
    ...(readonly === undefined ? {} : { readonly }),
    ...(user === undefined ? {} : { user }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(capabilities === undefined ? {} : { capabilities }),
  };
}
