// SPDX-License-Identifier: Apache-2.0
import type { HandEvent, HandFunction, HandNode, HandResult } from '@vnfpool/daemons/hand-manager';
import { ntpToUnixMs, type TransferReport } from '@vnfpool/wire/mobility';
import type { Tone } from '../output/paint.ts';
import { plain } from '../output/plain.ts';
import type { Column } from '../output/table.ts';

const CODES: Readonly<Record<number, string>> = {
  0: 'done',
  128: 'failed',
  129: 'insufficient resources',
  130: 'administratively prohibited',
  131: 'status unknown',
};

/** One line for people about what happened; null: not worth one. */
export function describeEvent(event: HandEvent): string | null {
  const text = eventText(event);
  return text === null ? null : plain(text, 'one line');
}

function eventText(event: HandEvent): string | null {
  switch (event.type) {
    case 'node-registered': {
      const { node, name, resumed, addresses, information } = event;
      const called = name === `node ${node}` ? '' : ` (${name})`;
      const facts = [...addresses, ...capacity(information)].join(', ');
      return `node ${node}${called} registered${resumed ? ' again, as it was' : ''}${facts === '' ? '' : `: ${facts}`}`;
    }
    case 'node-functions':
      return `node ${event.node} runs ${event.functionIds.length === 0 ? 'nothing' : event.functionIds.join(', ')}`;
    case 'node-suspect':
      return `node ${event.node} is suspect: ${event.reason}`;
    case 'node-lost':
      return `node ${event.node} is lost: ${event.reason}`;
    case 'node-back':
      return `node ${event.node} is back`;
    case 'node-left':
      return `node ${event.node} left: ${event.reason}`;
    case 'node-moved':
      return `node ${event.node} is at ${event.addresses.join(', ')}`;
    case 'function-status': {
      const { node, functionId, gone, status, report, reason, information } = event;
      const said = gone ? 'gone' : describeFunction({ functionId, status, report, reason: '', information });
      return `node ${node} function ${functionId} ${said}${reason === '' ? '' : `: ${reason}`}`;
    }
    case 'event':
      return `${event.node === null ? 'somebody' : `node ${event.node}`}: ${event.event}: ${event.reason}`;
    case 'connection-refused':
      return `${event.address} was not let in: ${event.reason}`;
    case 'move-settled': {
      const { node, functionId, order, reason } = event;
      return `node ${node} function ${functionId} did not know how its move ended, and ${order === 'add' ? 'serves' : 'ends'}: ${reason}`;
    }
    case 'node-information':
    case 'slot-report':
      return null;
  }
}

/** `Running "HSS", process 4711, 127.0.0.1:8080, healthy`. */
function describeFunction({ status, information, report }: HandFunction): string {
  const name = information.name === undefined ? '' : ` "${information.name}"`;
  if (report === null) return `${status}${name}`;
  const facts = [
    ...(report.pid === null ? [] : [`process ${report.pid}`]),
    ...(report.port === null ? [] : [`${report.address ?? ''}:${report.port}`]),
    ...(report.healthy ? ['healthy'] : []),
    ...(report.restarts > 0 ? [`${report.restarts} restarts`] : []),
    ...(report.failing ? ['fails again and again'] : []),
    ...(report.transfer === undefined ? [] : [describeTransfer(report.transfer)]),
  ];
  return `${status}${name}${facts.length === 0 ? '' : `, ${facts.join(', ')}`}`;
}

/** `state to node 2: snapshot, 12.0 of 40.0 MB`. */
function describeTransfer({ role, peer, phase, bytes, bytesTotal }: TransferReport): string {
  const total = bytesTotal === null ? '' : ` of ${megabytes(bytesTotal)}`;
  return `${role === 'source' ? 'state to' : 'state from'} node ${peer}: ${phase}, ${megabytes(bytes)}${total} MB`;
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** How an order ended; failures name number and text of the node. */
export function describeResult({ code, text, error, status, sessions }: HandResult): string {
  const facts = [
    ...(status === null ? [] : [status]),
    ...(sessions === undefined || sessions === null ? [] : [`${sessions} sessions`]),
    ...(code < 128 ? [] : [`code ${code}`]),
    ...(error === null ? [] : [`error ${error}`]),
  ];
  const about = facts.length === 0 ? '' : ` (${facts.join(', ')})`;
  return plain(
    `${CODES[code] ?? (code < 128 ? 'done' : 'failed')}${about}${text === '' ? '' : `: ${text}`}`,
    'one line',
  );
}

/** Everything of a node, or of a function, that has a value: `title: value` lines. */
export function describeInformation(information: object): string {
  return Object.entries(information)
    .map(([key, value]) => `  ${key}: ${plain(valueText(key, value), 'one line')}\n`)
    .join('');
}

function valueText(key: string, value: unknown): string {
  if (key !== 'bootTime' || typeof value !== 'bigint') return String(value);
  const unixMs = ntpToUnixMs(value);
  return unixMs === undefined ? 'unknown' : new Date(unixMs).toISOString();
}

export const handNodeColumns: readonly Column<HandNode>[] = [
  { title: 'NODE', cell: ({ nodeId }) => String(nodeId), align: 'right' },
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'STATE', cell: ({ state }) => state, tone: stateTone },
  { title: 'ADDRESSES', cell: ({ addresses }) => addresses.join(',') },
  { title: 'FUNCTIONS', cell: ({ functions }) => functions.map(({ functionId }) => functionId).join(',') },
  { title: 'LOAD', cell: ({ information }) => String(information.load ?? ''), align: 'right' },
  { title: 'REASON', cell: ({ reason }) => reason },
];

export const handFunctionColumns: readonly Column<HandFunction>[] = [
  { title: 'FUNCTION', cell: ({ functionId }) => String(functionId), align: 'right' },
  { title: 'NAME', cell: ({ information }) => information.name ?? '' },
  { title: 'STATUS', cell: ({ status }) => status },
  { title: 'HEALTHY', cell: ({ report }) => (report === null ? '' : report.healthy ? 'yes' : 'no') },
  { title: 'PROCESS', cell: ({ report }) => String(report?.pid ?? ''), align: 'right' },
  { title: 'PORT', cell: ({ report }) => String(report?.port ?? ''), align: 'right' },
  { title: 'SESSIONS', cell: ({ report }) => String(report?.sessions ?? ''), align: 'right' },
  { title: 'LOAD', cell: ({ information }) => String(information.load ?? ''), align: 'right' },
  { title: 'REASON', cell: ({ reason, report }) => reason || (report?.reason ?? '') },
];

function stateTone({ state }: HandNode): Tone {
  return state === 'registered' ? 'good' : state === 'suspect' ? 'warning' : 'bad';
}

function capacity({ capacityGhz, memoryBytes }: HandNode['information']): string[] {
  return [
    ...(capacityGhz === undefined ? [] : [`${capacityGhz} GHz`]),
    ...(memoryBytes === undefined ? [] : [`${(Number(memoryBytes) / 2 ** 30).toFixed(1)} GiB`]),
  ];
}
