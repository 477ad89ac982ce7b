// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { bundleConfig, type ContainerPlan } from './bundle.ts';
import { type OciRuntime, OWN_ROOT_FOLDERS } from './runtime.ts';

/** What a system lets a runtime do; null: it does. */
export interface ContainerProbe {
  /** Why it starts no container. */
  readonly containers: string | null;
  /** Why it starts none with a root of its own. */
  readonly ownRoots: string | null;
}

/** What a shell needs. */
const FOLDERS = ['/bin', '/lib', '/lib32', '/lib64', '/usr', '/nix'];
const STORAGE_BYTES = 1_048_576;

/** Runs a container or two that end at once, with the system's own shell. @param folder for their bundles; it must exist */
export async function probeContainers(runtime: OciRuntime, folder: string): Promise<ContainerProbe> {
  const ownRoots = await attempt(runtime, folder, STORAGE_BYTES);
  return { containers: ownRoots === null ? null : await attempt(runtime, folder), ownRoots };
}

async function attempt(runtime: OciRuntime, folder: string, storageBytes?: number): Promise<string | null> {
  const bundle = mkdtempSync(`${folder}/probe-`);
  const id = bundle.slice(bundle.lastIndexOf('/') + 1);
  const lower = `${bundle}/empty`;
  const plan: ContainerPlan = {
    rootfs: lower,
    command: ['/bin/sh', '-c', ':'],
    environment: {},
    hostname: 'probe',
    mounts: FOLDERS.filter(existsSync).map((path) => ({ target: path, source: path, isWritable: false })),
    ...(storageBytes === undefined ? {} : { storageBytes }),
  };
  try {
    for (const name of ['empty', ...OWN_ROOT_FOLDERS]) mkdirSync(`${bundle}/${name}`);
    const root = storageBytes === undefined ? lower : `${bundle}/root`;
    writeFileSync(`${bundle}/config.json`, JSON.stringify(bundleConfig(plan, root)));
    return await runtime.try(id, bundle, storageBytes === undefined ? undefined : { lower, storageBytes });
  } finally {
    await runtime.delete(id);
    rmSync(bundle, { recursive: true, force: true });
  }
}
