// SPDX-License-Identifier: Apache-2.0

export interface LabProcess {
  readonly name: string;
  readonly kind: 'node' | 'manager' | 'registrar' | 'traffic';
  readonly state: 'running' | 'paused' | 'stopped';
}

/** GET /v1/lab: what can be broken on purpose. 404: nothing can. */
export interface LabView {
  readonly available: boolean;
  readonly mode: 'namespaces' | 'loopback';
  readonly processes: readonly LabProcess[];
}
