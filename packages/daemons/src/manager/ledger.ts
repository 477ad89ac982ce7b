// SPDX-License-Identifier: Apache-2.0
import type { TokenRole, TokenView } from '@vnfpool/core/management';
import type { ManagerTables, TokenRecord } from '@vnfpool/core/manager';
import type { CertificateRole } from '@vnfpool/runtime/certificates';
import {
  drawToken,
  type JoinAttempt,
  type JoinDecision,
  judgeAttempt,
  secretHash,
  type TokenLedger,
} from '@vnfpool/runtime/join';
import type { ManagerStore, Write } from '@vnfpool/store';

export interface NewMember {
  readonly nodeId: number;
  readonly name: string;
}

/** How long a token is still shown after its end; then it makes room for new ones. */
const KEPT_MS = 24 * 3_600_000;

/** Join tokens in the manager's store: used up, and the node's number given, in one durable step. */
export class StoreLedger implements TokenLedger {
  readonly #store: ManagerStore<ManagerTables>;
  readonly #onNode: (node: NewMember) => void;

  constructor(store: ManagerStore<ManagerTables>, onNode: (node: NewMember) => void) {
    this.#store = store;
    this.#onNode = onNode;
  }

  async create(
    role: CertificateRole,
    name: string | null,
    ttlMs: number,
  ): Promise<{ readonly tokenId: string; readonly secret: string }> {
    if (name === null) throw new RangeError('a token is for one name');
    const drawn = drawToken();
    const now = Date.now();
    const record: TokenRecord = {
      hash: secretHash(drawn.secret),
      role: role as TokenRole,
      name,
      createdAt: now,
      expiresAt: now + ttlMs,
      usedAt: null,
      usedBy: null,
    };
    await this.#store.transact((reader) => {
      const past = reader.list('tokens').filter(({ value }) => value.expiresAt + KEPT_MS <= now);
      const writes: Write<ManagerTables>[] = past.map(({ key }) => ({ table: 'tokens', key, value: null }));
      return { writes: [...writes, { table: 'tokens', key: drawn.tokenId, value: record }], result: null };
    });
    return drawn;
  }

  async consume(attempt: JoinAttempt): Promise<JoinDecision> {
    const now = Date.now();
    const { decision, node } = await this.#store.transact<{ decision: JoinDecision; node: NewMember | null }>(
      (reader) => {
        const record = reader.get('tokens', attempt.tokenId);
        const known = record && {
          tokenId: attempt.tokenId,
          secretHash: record.hash,
          role: record.role,
          name: record.name,
          expiresAtMs: record.expiresAt,
          usedBy: record.usedBy,
        };
        // Only nodes are counted and kept by name; a registrar or user may come back under its name with a new token.
        const former = attempt.role === 'node' ? reader.get('nodes', attempt.name) : undefined;
        const isBack = former !== undefined && hasKept(former, attempt.leaseKey);
        const judged = judgeAttempt(known, attempt, former !== undefined && !isBack, now);
        if (judged.verdict !== 'accept' || !record) {
          const decision =
            judged.verdict === 'accept'
              ? ({ accepted: false, reason: 'unknown-token' } as const)
              : judged.decision;
          return { writes: [], result: { decision, node: null } };
        }
        const nodeId = isBack ? former.id : (reader.get('counters', 'node') ?? 0) + 1;
        const numbered = attempt.role === 'node' ? { nodeId } : {};
        const usedBy = { name: attempt.name, keyFingerprint: attempt.keyFingerprint, ...numbered };
        const writes: Write<ManagerTables>[] = [
          { table: 'tokens', key: attempt.tokenId, value: { ...record, usedAt: now, usedBy } },
        ];
        const isNew = attempt.role === 'node' && !isBack;
        if (isNew) {
          writes.push(
            { table: 'counters', key: 'node', value: nodeId },
            { table: 'nodes', key: attempt.name, value: newNode(nodeId, attempt.name) },
          );
        }
        const node = isNew ? { nodeId, name: attempt.name } : null;
        return { writes, result: { decision: { accepted: true, ...numbered }, node } };
      },
    );
    if (node) this.#onNode(node);
    return decision;
  }

  async list(): Promise<TokenView[]> {
    const rows = await this.#store.list('tokens');
    return rows.map(({ key, value: { role, name, createdAt, expiresAt, usedAt } }) => ({
      id: key,
      role,
      name,
      createdAt,
      expiresAt,
      usedAt,
    }));
  }
}

/**
 * Whether the joiner is the node of this record with its state folder, whose certificate ran out while it was off: the
 * key of its lease datagrams lies beside its lease register. One that lost its register must not get its number back.
 */
function hasKept({ endpoint }: ManagerTables['nodes'], leaseKey: string | undefined): boolean {
  return (
    endpoint !== null &&
    leaseKey !== undefined &&
    Buffer.from(endpoint.key, 'base64').equals(Buffer.from(leaseKey, 'base64url'))
  );
}

function newNode(id: number, name: string): ManagerTables['nodes'] {
  return { id, name, certificateSerial: null, endpoint: null, bootTime: '', configuration: null };
}
