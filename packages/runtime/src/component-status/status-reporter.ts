// SPDX-License-Identifier: Apache-2.0
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import {
  COMPONENT_GROUP,
  type ComponentId,
  type ComponentStatus,
  encodeComponentStatus,
} from '@vnfpool/wire/csp';

/** What a component says of itself when it is asked. */
export type ComponentReport = Pick<ComponentStatus, 'status' | 'workload' | 'associations'>;

export interface StatusReporterOptions {
  readonly to: { readonly address: string; readonly port: number };
  readonly intervalMs: number;
  readonly sender: ComponentId;
  /** Where it runs, for people. */
  readonly location: string;
  /** Asked at each interval. */
  readonly report: () => ComponentReport;
  /** Reports are for display: trouble is told and changes nothing. */
  readonly onTrouble: (error: Error) => void;
}

/** Identifier of a registrar, element or user as a component. */
export function componentId(group: keyof typeof COMPONENT_GROUP, identifier: number): ComponentId {
  return { group: COMPONENT_GROUP[group], identifier: BigInt(identifier) };
}

/**
 * Tells a monitor by UDP how a component is, at intervals and once more when it ends. Understood by rsplib's
 * monitor, and by `vnfpool monitor`.
 */
export class StatusReporter {
  readonly #options: StatusReporterOptions;
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #stopped = false;

  constructor(options: StatusReporterOptions) {
    this.#options = options;
    this.#socket = createSocket(isIPv6(options.to.address) ? 'udp6' : 'udp4');
    this.#socket.on('error', options.onTrouble);
    this.#socket.unref();
    this.#timer = setInterval(() => void this.#tell(false), options.intervalMs);
    this.#timer.unref();
    void this.#tell(false);
  }

  /** The last words; settles when they are sent. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#tell(true);
    this.#socket.close();
  }

  #tell(final: boolean): Promise<void> {
    const { to, intervalMs, sender, location, report, onTrouble } = this.#options;
    const bytes = encodeComponentStatus({
      type: 'report',
      final,
      sender,
      timestamp: BigInt(Math.round(performance.now() * 1000)),
      intervalUs: intervalMs * 1000,
      location,
      ...report(),
    });
    return new Promise((resolve) => {
      this.#socket.send(bytes, to.port, to.address, (error) => {
        if (error !== null) onTrouble(error);
        resolve();
      });
    });
  }
}
