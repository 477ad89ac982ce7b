// SPDX-License-Identifier: Apache-2.0
import type { RegistrarEvent } from '@vnfpool/core/registrar';
import type { Metrics } from '@vnfpool/runtime/metrics';
import type { ScopeTransports } from '@vnfpool/runtime/scope-transports';
import type { Protocol } from './links.ts';

/** Counts events by name and reason. */
export function eventCounter(metrics: Metrics): (event: RegistrarEvent) => void {
  const counter = metrics.counter({
    name: 'registrar_events_total',
    help: 'What happened to elements and peers, by event and reason',
    labels: ['event', 'reason'],
  });
  return (event) => {
    // The reasons of reports and peer errors are the peers' words: no label.
    const words = event.event === 'element-reported' || event.event === 'peer-error';
    counter.inc({ event: event.event, reason: words || !('reason' in event) ? '' : event.reason });
  };
}

export function mirrorTransports(
  metrics: Metrics,
  transports: { readonly [P in Protocol]: ScopeTransports },
): void {
  for (const protocol of ['asap', 'enrp'] as const) {
    for (const [kind, transport] of Object.entries(transports[protocol])) {
      metrics.mirror(
        {
          name: protocol === 'asap' && kind === 'tls' ? 'transport_total' : `${protocol}_${kind}_total`,
          help: `What the transport of ${protocol.toUpperCase()} over ${kind} did`,
        },
        () => ({ ...transport.counters }),
      );
    }
  }
}
