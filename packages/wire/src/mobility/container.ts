// SPDX-License-Identifier: Apache-2.0
import { MobilityError } from './extensions.ts';
import { DocumentError, fail, flag, integer, list, matching, object, type Shape } from './shape.ts';

/**
 * What a function of kind `container` sees besides its program. Paths are those of the node; nothing is fetched. Without
 * `netns` it has the node's network.
 */
export interface ContainerSpecification {
  /** Folder on the node that is its root file system; absolute. One of `rootfs` and `bundle`. */
  readonly rootfs?: string;
  /** Folder on the node with an OCI bundle, whose `config.json` is where we start from; absolute. */
  readonly bundle?: string;
  /** At most 32. */
  readonly mounts?: readonly ContainerMount[];
  /** Whether its root cannot be written. Default: it cannot; with `limits.storageBytes` it can; of a bundle as its file says. */
  readonly readonly?: boolean;
  /** User and group by number, `1000:1000`; without a group the same number. Default 0, of a bundle as its file says. */
  readonly user?: string;
  /**
   * In place of the few that a root user gets by default: `NET_ADMIN`. At most 41; another user has none by default. With a
   * bundle in place of those of its file.
   */
  readonly capabilities?: readonly string[];
  /** Its own name for itself; default: the instance's, with `-` for what a host name cannot have. */
  readonly hostname?: string;
}

/** With `source` a file or folder of the node, without it an empty folder in memory. */
export interface ContainerMount {
  /** Where it is inside; absolute. */
  readonly target: string;
  /** What the node has there; absolute. */
  readonly source?: string;
  /** Default: a `source` cannot be written. */
  readonly readonly?: boolean;
  /** Octets that fit in a folder in memory, which count as memory of the function. Default 16 MiB. */
  readonly sizeBytes?: number;
}

const MOUNTS_MAX = 32;
const PATH_MAX = 4_096;
const CAPABILITIES_MAX = 41;
const USER_MAX = 0xffff_fffe;

const path: Shape<string> = (value, at) =>
  typeof value === 'string' &&
  value.length <= PATH_MAX &&
  value.startsWith('/') &&
  !value.includes('\0') &&
  !value.split('/').includes('..')
    ? value
    : fail(at, `must be an absolute path without "..", of at most ${PATH_MAX} characters`);

const capability = matching(/^(?!CAP_)[A-Z][A-Z_]{1,31}$/, 'must be a capability without CAP_: NET_ADMIN');
const hostname = matching(
  /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/,
  'must be a host name of at most 63 letters, digits and hyphens',
);
const user: Shape<string> = (value, at) => {
  const numbers = typeof value === 'string' && /^\d{1,10}(?::\d{1,10})?$/.test(value) ? value.split(':') : [];
  return numbers.length > 0 && numbers.every((digits) => Number(digits) <= USER_MAX)
    ? (value as string)
    : fail(at, 'must be a user and a group by number: 1000:1000');
};

const mountFields = object(
  { target: path },
  { source: path, readonly: flag, sizeBytes: integer(4_096, Number.MAX_SAFE_INTEGER) },
);

const mount: Shape<ContainerMount> = (value, at) => {
  const found = mountFields(value, at);
  if (/^\/*$/.test(found.target)) fail(`${at}.target`, 'must not be the root');
  if (found.source === undefined && found.readonly === true)
    fail(`${at}.readonly`, 'makes no sense of an empty folder');
  if (found.source !== undefined && found.sizeBytes !== undefined)
    fail(`${at}.sizeBytes`, 'is of folders in memory: not beside source');
  return found;
};

const containerFields = object(
  {},
  {
    rootfs: path,
    bundle: path,
    mounts: list(mount),
    readonly: flag,
    user,
    hostname,
    capabilities: list(capability),
  },
);

/** What `container` of a function specification must be. */
export const containerSpecification: Shape<ContainerSpecification> = (value, at) => {
  const container = containerFields(value, at);
  const { rootfs, bundle, mounts = [], capabilities = [] } = container;
  if ((rootfs === undefined) === (bundle === undefined)) fail(at, 'must have one of rootfs and bundle');
  if (mounts.length > MOUNTS_MAX) fail(`${at}.mounts`, `must have at most ${MOUNTS_MAX} entries`);
  for (const [i, { target }] of mounts.entries())
    if (mounts.findIndex((other) => other.target === target) < i)
      fail(`${at}.mounts[${i}].target`, `names ${target.slice(0, 64)} a second time`);
  if (capabilities.length > CAPABILITIES_MAX)
    fail(`${at}.capabilities`, `must have at most ${CAPABILITIES_MAX} entries`);
  return container;
};

/** What a specification of kind `container` must be as a whole. */
export function checkContainer(
  {
    command,
    container,
    limits,
  }: {
    readonly command: readonly string[];
    readonly container?: ContainerSpecification;
    readonly limits?: { readonly storageBytes?: number };
  },
  at: string,
): void {
  const refuse = (key: string, why: string): never => {
    throw new DocumentError(MobilityError.specificationRefused, `${at}.${key}`, why);
  };
  if (container === undefined) refuse('container', 'is missing');
  else if (command.length === 0 && container.bundle === undefined)
    refuse('command', 'must name a program: only a bundle may say it');
  else if (container.readonly === true && limits?.storageBytes !== undefined)
    refuse('container.readonly', 'does not go with limits.storageBytes, which is of what may be written');
}
