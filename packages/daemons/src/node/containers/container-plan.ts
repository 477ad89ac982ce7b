// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs';
import type { ContainerMountPlan, ContainerPlan } from '@vnfpool/platform/containers';
import type { ContainerSpecification, FunctionSpecification } from '@vnfpool/wire/mobility';

/** A run that is to be in a container. */
export interface RunInContainer {
  readonly specification: FunctionSpecification;
  /** Name of the instance. */
  readonly name: string;
  /** Replacements made. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Folder of the host that it shares with us; null: none. */
  readonly shared: string | null;
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** More is no configuration of a person's. */
const CONFIG_BYTES_MAX = 1_048_576;
const HOST_NAME_MAX = 63;

/** @throws Error when the file of its bundle is not there, or is no such file */
export function planOf({
  specification,
  name,
  command,
  environment,
  mounts,
}: Omit<RunInContainer, 'shared'> & { readonly mounts: readonly ContainerMountPlan[] }): ContainerPlan {
  const { container = {}, directory, limits } = specification;
  const { rootfs, bundle, readonly, capabilities, hostname } = container;
  const user = userOf(container);
  return {
    ...(rootfs === undefined ? {} : { rootfs }),
    ...(bundle === undefined ? {} : { base: readConfig(`${bundle}/config.json`), baseFolder: bundle }),
    command,
    environment,
    ...(directory === undefined ? {} : { directory }),
    ...(limits?.storageBytes === undefined ? {} : { storageBytes: limits.storageBytes }),
    ...(readonly === undefined ? {} : { readonly }),
    ...(user === null ? {} : { user }),
    ...(capabilities === undefined ? {} : { capabilities }),
    hostname: hostname ?? hostNameOf(name),
    mounts: [
      ...(container.mounts ?? []).map(({ target, source, readonly: isReadonly, sizeBytes }) => ({
        target,
        isWritable: source === undefined || isReadonly === false,
        ...(source === undefined ? {} : { source }),
        ...(sizeBytes === undefined ? {} : { sizeBytes }),
      })),
      ...mounts,
    ],
  };
}

/** User and group that the specification names; null: it leaves them to the bundle, or to root. */
function userOf({ user }: ContainerSpecification): User | null {
  if (user === undefined) return null;
  const [uid = 0, gid = uid] = user.split(':').map(Number);
  return { uid, gid };
}

/** Whose what we share with it must be; null: root's. */
export function ownerOf({ container = {} }: FunctionSpecification): User | null {
  const { bundle } = container;
  if (container.user !== undefined || bundle === undefined) return userOf(container);
  const { process } = Object(readConfig(`${bundle}/config.json`)) as { process?: { user?: Partial<User> } };
  const { uid, gid } = process?.user ?? {};
  return Number.isInteger(uid) && Number.isInteger(gid) ? { uid: uid ?? 0, gid: gid ?? 0 } : null;
}

/** Why a function's files are not here; null: they are. */
export function missingFile({
  container,
  limits,
}: Pick<FunctionSpecification, 'container' | 'limits'>): string | null {
  if (container === undefined) return null;
  const { rootfs, bundle, mounts = [] } = container;
  if (rootfs !== undefined && !isFolder(rootfs)) return `container.rootfs: there is no folder ${rootfs}`;
  if (bundle !== undefined) {
    try {
      readConfig(`${bundle}/config.json`);
    } catch (error) {
      return `container.bundle: ${(error as Error).message}`;
    }
  }
  const missing = mounts.find(
    ({ source }) => source !== undefined && statSync(source, { throwIfNoEntry: false }) === undefined,
  );
  if (missing !== undefined) return `container.mounts: there is no ${missing.source}`;
  const open = mounts.find(({ source, readonly }) => source !== undefined && readonly === false);
  return limits?.storageBytes !== undefined && open !== undefined
    ? `limit not enforceable: storage (what is written to ${open.target} goes to the node's ${open.source})`
    : null;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function readConfig(path: string): unknown {
  const { size } = statSync(path);
  if (size > CONFIG_BYTES_MAX) throw new Error(`${path} has ${size} octets, more than ${CONFIG_BYTES_MAX}`);
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}

function hostNameOf(name: string): string {
  const plain = name
    .replaceAll(/[^A-Za-z0-9-]/g, '-')
    .slice(0, HOST_NAME_MAX)
    .replaceAll(/^-+|-+$/g, '');
  return plain === '' ? 'function' : plain;
}
