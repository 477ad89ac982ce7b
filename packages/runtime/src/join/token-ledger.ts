// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { CertificateRole } from '../certificates/identity.ts';

/** Why somebody may not join. */
export type RefusalReason =
  | 'unknown-token'
  | 'wrong-secret'
  | 'used'
  | 'expired'
  | 'role-mismatch'
  | 'name-mismatch'
  | 'name-in-use';

export interface JoinAttempt {
  readonly tokenId: string;
  readonly secret: string;
  readonly role: CertificateRole;
  readonly name: string;
  /** SHA-256 of the joiner's public key: a repeat by the same joiner whose answer was lost shows the same. */
  readonly keyFingerprint: string;
  /** Public key of the lease datagrams, base64url; nodes only. */
  readonly leaseKey?: string;
}

export type JoinDecision =
  | { readonly accepted: true; readonly nodeId?: number }
  | { readonly accepted: false; readonly reason: RefusalReason };

/** Who keeps the tokens. The manager's store implements it. */
export interface TokenLedger {
  /**
   * A new token for one joiner; durable when the promise settles.
   * @param name Null: the joiner chooses its name.
   */
  create(
    role: CertificateRole,
    name: string | null,
    ttlMs: number,
  ): Promise<{ readonly tokenId: string; readonly secret: string }>;
  /**
   * Decides on an attempt and, if it accepts, uses the token up and takes the name (for a node also gives the
   * id), all in one step that is durable when the promise settles. A repeat of an accepted attempt with the
   * same key and name, before the token's end, is accepted with the same answer.
   */
  consume(attempt: JoinAttempt): Promise<JoinDecision>;
}

/** What a ledger keeps of a secret. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Compares in constant time. */
export function secretMatches(secret: string, hash: string): boolean {
  const own = createHash('sha256').update(secret).digest();
  const other = Buffer.from(hash, 'hex');
  return own.length === other.length && timingSafeEqual(own, other);
}

export function drawToken(): { readonly tokenId: string; readonly secret: string } {
  return { tokenId: randomBytes(8).toString('hex'), secret: randomBytes(32).toString('base64url') };
}

/** What a ledger keeps of a token. */
export interface TokenRecord {
  readonly tokenId: string;
  readonly secretHash: string;
  readonly role: CertificateRole;
  readonly name: string | null;
  /** Wall clock. */
  readonly expiresAtMs: number;
  /** Who used it. */
  readonly usedBy: {
    readonly name: string;
    readonly keyFingerprint: string;
    readonly nodeId?: number;
  } | null;
}

/**
 * The rule that every ledger applies, without its storage: `accept` means that the caller now takes the name
 * and writes `usedBy`; `repeat` that it did so before.
 */
export function judgeAttempt(
  record: TokenRecord | undefined,
  attempt: JoinAttempt,
  nameTaken: boolean,
  nowMs: number,
):
  | { readonly verdict: 'accept' }
  | { readonly verdict: 'repeat' | 'refuse'; readonly decision: JoinDecision } {
  const refuse = (reason: RefusalReason) =>
    ({ verdict: 'refuse', decision: { accepted: false, reason } }) as const;
  // A comparison takes place whether or not the token exists.
  const matches = secretMatches(attempt.secret, record?.secretHash ?? secretHash(''));
  if (record === undefined) return refuse('unknown-token');
  if (!matches) return refuse('wrong-secret');
  if (nowMs >= record.expiresAtMs) return refuse('expired');
  const { usedBy } = record;
  if (usedBy !== null) {
    const same =
      usedBy.keyFingerprint === attempt.keyFingerprint &&
      usedBy.name === attempt.name &&
      record.role === attempt.role;
    if (!same) return refuse('used');
    const { nodeId } = usedBy;
    return { verdict: 'repeat', decision: { accepted: true, ...(nodeId === undefined ? {} : { nodeId }) } };
  }
  if (record.role !== attempt.role) return refuse('role-mismatch');
  if (record.name !== null && record.name !== attempt.name) return refuse('name-mismatch');
  return nameTaken ? refuse('name-in-use') : { verdict: 'accept' };
}

/** A ledger in memory: for tests, and as the model of the others. */
export class MemoryTokenLedger implements TokenLedger {
  readonly #records = new Map<string, TokenRecord>();
  readonly #names = new Set<string>();
  readonly #nowMs: () => number;
  #nextNodeId = 1;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  async create(
    role: CertificateRole,
    name: string | null,
    ttlMs: number,
  ): Promise<{ readonly tokenId: string; readonly secret: string }> {
    const drawn = drawToken();
    this.#records.set(drawn.tokenId, {
      tokenId: drawn.tokenId,
      secretHash: secretHash(drawn.secret),
      role,
      name,
      expiresAtMs: this.#nowMs() + ttlMs,
      usedBy: null,
    });
    return drawn;
  }

  async consume(attempt: JoinAttempt): Promise<JoinDecision> {
    const record = this.#records.get(attempt.tokenId);
    const name = `${attempt.role}/${attempt.name}`;
    const judgement = judgeAttempt(record, attempt, this.#names.has(name), this.#nowMs());
    if (judgement.verdict !== 'accept' || record === undefined) {
      return judgement.verdict === 'accept'
        ? { accepted: false, reason: 'unknown-token' }
        : judgement.decision;
    }
    const numbered = attempt.role === 'node' ? { nodeId: this.#nextNodeId++ } : {};
    this.#names.add(name);
    this.#records.set(attempt.tokenId, {
      ...record,
      usedBy: { name: attempt.name, keyFingerprint: attempt.keyFingerprint, ...numbered },
    });
    return { accepted: true, ...numbered };
  }
}
