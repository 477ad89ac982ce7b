// SPDX-License-Identifier: Apache-2.0
import type { HuntOptions } from '@vnfpool/core/registrar-hunt';
import type { RegistrarHost } from './registrar-host.ts';
import type { World } from './world.ts';

const ASAP_PORT = 3863;
/** Shorter than RETRAN-MAX, so that a run need not wait minutes for the last one. */
export const BACKOFF_MS_MAX = 10_000;

/** Registrars that one is told of: not all in the same order. */
export function huntOptions(world: World, all: readonly RegistrarHost[], offset: number): HuntOptions {
  const { configured } = world.plan;
  const { serverHuntTimeoutMs, serverOutdateMs } = world.profile.endpoint;
  const count = Math.min(configured, all.length);
  const registrars = Array.from({ length: count }, (_, index) => {
    const { address } = (all[(offset + index) % all.length] as RegistrarHost).process;
    return { host: address, port: ASAP_PORT, transport: world.plan.transport };
  });
  return {
    registrars,
    connectTimeoutMs: serverHuntTimeoutMs,
    backoffMaxMs: BACKOFF_MS_MAX,
    outdateMs: serverOutdateMs,
  };
}
