// SPDX-License-Identifier: Apache-2.0
import { describeMessage } from '../lease-world/describe.ts';
import type { Datagram } from './datagrams.ts';

export type Order =
  | { readonly kind: 'release'; readonly slot: number }
  | { readonly kind: 'hand-over'; readonly slot: number; readonly to: number }
  | { readonly kind: 'function-restart'; readonly slot: number }
  | { readonly kind: 'candidates' };

/** Where a step is broken off: before its action number `at`, counted from 0. */
export type Cut = { readonly kind: 'crash' | 'pause' | 'slow'; readonly at: number };

/** What one node does next. Everything else is time. */
export type NodeStep =
  /** A datagram arrives. */
  | { readonly type: 'deliver'; readonly datagram: number; readonly cut?: Cut }
  /** Its timer is due. */
  | { readonly type: 'timer'; readonly cut?: Cut }
  /** It goes on after a pause. */
  | { readonly type: 'resume' }
  /** Its function or kernel answers, that was slow. */
  | { readonly type: 'answer' }
  /** The process ends and the next one starts. */
  | { readonly type: 'crash' }
  | { readonly type: 'order'; readonly order: Order; readonly cut?: Cut };

const TYPES = ['deliver', 'timer', 'resume', 'answer', 'crash', 'order'] as const;
const CUTS = ['crash', 'pause', 'slow'] as const;
const ORDERS = ['release', 'hand-over', 'function-restart', 'candidates'] as const;

/** Most datagrams told apart, and most actions of a step. */
export const DATAGRAMS_MAX: number = 2 ** 18;
export const ACTIONS_MAX = 31;

/** One whole number below 2^28 for each step of a node. */
export function stepCode(step: NodeStep): number {
  let detail = 0;
  if (step.type === 'deliver') detail = step.datagram;
  else if (step.type === 'order') {
    const { order } = step;
    const slot = 'slot' in order ? order.slot : 0;
    const to = 'to' in order ? order.to : 0;
    detail = (ORDERS.indexOf(order.kind) * 2 + slot) * 4 + to;
  }
  const cut = 'cut' in step ? step.cut : undefined;
  const cutCode = cut === undefined ? 0 : 1 + CUTS.indexOf(cut.kind) * (ACTIONS_MAX + 1) + cut.at;
  return (TYPES.indexOf(step.type) * 128 + cutCode) * DATAGRAMS_MAX + detail;
}

/** For a person who reads a trace. */
export function describeStep(step: NodeStep, datagramOf: (id: number) => Datagram): string {
  return `${what(step, datagramOf)}${cutOf(step)}`;
}

function what(step: NodeStep, datagramOf: (id: number) => Datagram): string {
  switch (step.type) {
    case 'deliver': {
      const { from, messages } = datagramOf(step.datagram);
      return `hears from ${from}: ${messages.map(describeMessage).join('; ')}`;
    }
    case 'timer':
      return 'its timer';
    case 'resume':
      return 'goes on';
    case 'answer':
      return 'function or kernel answers';
    case 'crash':
      return 'crashes and restarts';
    case 'order': {
      const { order } = step;
      if (order.kind === 'candidates') return 'ordered: other candidates';
      const more = order.kind === 'hand-over' ? ` to ${order.to}` : '';
      return `ordered: ${order.kind}${more}, slot ${order.slot + 1}`;
    }
  }
}

function cutOf(step: NodeStep): string {
  const cut = 'cut' in step ? step.cut : undefined;
  if (cut === undefined) return '';
  if (cut.kind === 'slow') return ', slow to answer';
  return cut.kind === 'crash'
    ? `, crash before its action ${cut.at + 1}`
    : `, pause before its action ${cut.at + 1}`;
}
