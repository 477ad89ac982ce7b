// SPDX-License-Identifier: Apache-2.0
import type { RegistrarSnapshot } from '@vnfpool/core/registrar';
import { type ComponentReport, componentId, StatusReporter } from '@vnfpool/runtime/component-status';
import type { Logger } from '@vnfpool/runtime/logging';

/** A monitor of component status reports. */
export interface ReportTarget {
  readonly address: string;
  readonly port: number;
  readonly everyMs: number;
  /** Where we run, for people. */
  readonly location: string;
}

/** ENRP is told as payload protocol 12 over whatever carries it. */
const ENRP_PAYLOAD_PROTOCOL = 12;
const PROTOCOL = { sctp: 132, tcp: 6 } as const;

/** Tells a monitor what this registrar has, and which peers it is connected to. */
export function reportTo(
  { address, port, everyMs, location }: ReportTarget,
  snapshot: () => RegistrarSnapshot,
  logger: Logger,
): StatusReporter {
  return new StatusReporter({
    to: { address, port },
    intervalMs: everyMs,
    sender: componentId('registrar', snapshot().registrarId),
    location,
    report: () => reportOf(snapshot()),
    onTrouble: (error) => logger.debug({ reason: error.message }, 'a status report could not be sent'),
  });
}

function reportOf(snapshot: RegistrarSnapshot): ComponentReport {
  const elements = snapshot.pools.reduce((count, pool) => count + pool.elements.length, 0);
  const { pools, ownElements, peers } = snapshot;
  return {
    status: `${snapshot.state}: pools ${pools.length}, elements ${elements}, own ${ownElements}, peers ${peers.length}`,
    workload: null,
    associations: peers
      .filter((peer) => peer.connected)
      .map((peer) => ({
        receiver: componentId('registrar', peer.registrarId),
        durationUs: null,
        flags: 0,
        protocol: PROTOCOL[peer.transport?.type ?? 'tcp'],
        payloadProtocol: ENRP_PAYLOAD_PROTOCOL,
      })),
  };
}
