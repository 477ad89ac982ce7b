// SPDX-License-Identifier: Apache-2.0
import { type NodeId, nodeId } from '@vnfpool/core';
import type {
  MobilityManagerInput,
  MobilityManagerOutput,
  PeerIdentity,
  PlainNumbers,
} from '@vnfpool/core/mobility';
import { IdentityError, parseIdentity } from '@vnfpool/runtime/certificates';
import type { CertificateIdentity, Connection, StreamTransport } from '@vnfpool/transport/stream';
import type { TlsCredentials } from '@vnfpool/transport/tls';
import { encodeMobility } from '@vnfpool/wire/mobility';
import { mobilityRule, readFrame } from '../mobility-frames.ts';
import {
  type MobilityTransportKind,
  plainMobilityTransport,
  tlsMobilityTransport,
} from '../mobility-transports.ts';
import { numberOfNow, plainRegistration } from './plain-numbers.ts';

/**
 * Plain: a node is who it says it is. TLS: its certificate says so, by the URI `spiffe://DOMAIN/node/ID`, or by
 * its common name where `nodes` has that.
 */
export type HandSecurity =
  | { readonly kind: 'plain' }
  | {
      readonly kind: 'tls';
      readonly credentials: TlsCredentials;
      readonly nodes: ReadonlyMap<string, number>;
    };

/** Time for the first message of a plain connection: who it is, is not known before. */
const FIRST_MESSAGE_MS = 5_000;

/** Nodes that one run of a manager knows at most; the connection of another one is closed. */
const NODES_MAX = 4096;

type Give = (input: MobilityManagerInput) => boolean;

/** @throws Error for a kind that the kernel does not have, or that has no TLS */
export function transportOf(
  kind: MobilityTransportKind,
  security: HandSecurity,
  onRefused: (address: string, reason: string) => void,
): StreamTransport {
  if (security.kind === 'plain') return plainMobilityTransport(kind, { rule: mobilityRule });
  return tlsMobilityTransport(kind, {
    rule: mobilityRule,
    credentials: security.credentials,
    judgePeer: (names) => {
      const who = identityOf(names, security.nodes);
      return typeof who === 'string' ? who : null;
    },
    onHandshakeFailure: ({ address, reason }) => onRefused(address, reason),
  });
}

/** Connections of nodes, numbered for the mobility endpoint. */
export class Peers {
  readonly #security: HandSecurity;
  readonly #give: Give;
  readonly #connections = new Map<number, Connection>();
  /** Node IDs that are taken, so that the next one asked for is free. */
  readonly #known = new Set<number>();
  /** Read by the mobility endpoint when a plain node registers. */
  readonly #numbers: Map<NodeId, PlainNumbers>;
  #last = 0;

  constructor(security: HandSecurity, numbers: Map<NodeId, PlainNumbers>, give: Give) {
    this.#security = security;
    this.#numbers = numbers;
    this.#give = give;
  }

  open(connection: Connection): void {
    this.#last += 1;
    const id = this.#last;
    let opened: NodeId | null = null;
    const open = (identity: PeerIdentity): void => {
      if (this.#known.size >= NODES_MAX && !this.#known.has(identity.node)) {
        connection.close(`more than ${NODES_MAX} nodes`);
        return;
      }
      opened = identity.node;
      this.#connections.set(id, connection);
      this.#known.add(identity.node);
      if (!this.#give({ type: 'connected', connection: id, identity })) connection.close('overloaded');
    };
    const { identity } = connection.peer;
    if (this.#security.kind === 'tls') {
      const who = identity ? identityOf(identity, this.#security.nodes) : 'no certificate';
      if (typeof who === 'string') return connection.close(who);
      open(who);
    }
    const late = setTimeout(() => connection.close('no registration in time'), FIRST_MESSAGE_MS);
    connection.onFault?.(({ message }) => {
      if (opened === null) connection.close(message);
      else this.#give({ type: 'unframeable', connection: id, reason: message });
    });
    connection.onClose(() => {
      clearTimeout(late);
      this.#connections.delete(id);
      if (opened === null) return;
      this.#give({ type: 'disconnected', connection: id });
    });
    connection.onFrame((frame) => {
      clearTimeout(late);
      const input = readFrame(id, frame);
      if (opened === null) open(this.#asItSays(input));
      if (opened === null) return;
      if (input.type === 'message') this.#beginNumbers(opened, plainRegistration(input.message));
      if (!this.#give(input)) connection.close('overloaded');
    });
  }

  send({ connection, message }: MobilityManagerOutput & { type: 'send' }): void {
    this.#connections.get(connection)?.send(encodeMobility(message));
  }

  close({ connection, reason }: MobilityManagerOutput & { type: 'close' }): void {
    this.#connections.get(connection)?.close(reason);
  }

  #beginNumbers(node: NodeId, bootTime: bigint | null): void {
    if (bootTime === null || this.#numbers.get(node)?.bootTime === bootTime) return;
    this.#numbers.set(node, { bootTime, upTo: numberOfNow(Date.now()) });
  }

  /** Node ID 0 asks for one: the lowest that nobody has had from us. */
  #asItSays(first: ReturnType<typeof readFrame>): PeerIdentity {
    const told = (first.type === 'message' ? first.message.nodes[0]?.id : first.error.nodeId) ?? 0;
    const id = isNodeId(told) ? told : this.#free();
    return { node: nodeId(id), name: `node ${id}` };
  }

  #free(): number {
    let id = 1;
    while (this.#known.has(id)) id += 1;
    return id;
  }
}

const isNodeId = (value: number): boolean => value >= 1 && value <= 0xffff_fffe;

/** Whom a certificate names, or why it names nobody. */
function identityOf(
  names: CertificateIdentity,
  nodes: ReadonlyMap<string, number>,
): { readonly node: NodeId; readonly name: string } | string {
  const { commonName } = names;
  const mapped = commonName === null ? undefined : nodes.get(commonName);
  if (mapped !== undefined) return { node: nodeId(mapped), name: commonName ?? '' };
  try {
    const { role, id, name } = parseIdentity(names);
    return role === 'node' && id !== undefined ? { node: nodeId(id), name } : `a ${role} is no node`;
  } catch (error) {
    if (error instanceof IdentityError) return `${error.message}, and "${commonName ?? ''}" is not mapped`;
    throw error;
  }
}
