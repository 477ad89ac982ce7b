// SPDX-License-Identifier: Apache-2.0
import type { SecurityState } from '@vnfpool/wire/mobility';
import {
  REPLICA_KEY_BYTES_MAX,
  REPLICA_SECRET_BYTES_MAX,
  REPLICA_VALUE_BYTES_MAX,
} from '@vnfpool/wire/replication';
import { PoolError } from '../pool-error.ts';
import type { ShareLink } from './share-link.ts';
import { changeTo, differences, readContents, type SharedEntry } from './shared-contents.ts';
import type { SharedState } from './shared-state.ts';
import { keyFromOctets, keyToOctets, octetValues, type SharedValues } from './shared-values.ts';
import { UnsettledChanges } from './unsettled-changes.ts';

export interface SharedMapOptions<Value> {
  /** How values are octets, for instance `jsonValues()`. Default: they are octets. */
  readonly values?: SharedValues<Value>;
  /** Default and most 1,048,576, as standbys take no more. A `set` beyond fails with `overloaded`. */
  readonly entriesMax?: number;
  /** Octets of keys and values, default and most 256 MiB. A `set` beyond fails with `overloaded`. */
  readonly bytesMax?: number;
  /** Changes that have not settled, default 16,384; more fail with `overloaded`. */
  readonly waitingMax?: number;
  /** Octets of theirs, default 16 MiB. */
  readonly waitingBytesMax?: number;
}

export interface SharedSetOptions {
  /**
   * It goes no further than the pool allows (`sharing.securityState`): nowhere, its name alone, or sealed to the nodes that may take the
   * slot. Default false; a later `set` without it makes it no secret.
   */
  readonly secret?: boolean;
}

/**
 * - `idle`: the slot is not held here; what there is may be old
 * - `alone`: nobody has a copy
 * - `holding`: changes go to the agent
 * - `cut`: the agent is gone, and may come again: changes wait for it
 */
type Mode = 'idle' | 'alone' | 'holding' | 'cut';

/**
 * A map whose entries the standbys have, too: the next holder of the slot goes on with them. What a change brings about, an answer
 * to a client for instance, is to wait until the change has settled; what is read is as new as the last change, so what is answered
 * from it waits for `settled`.
 */
export class SharedMap<Value = Uint8Array> implements SharedState {
  readonly #values: SharedValues<Value>;
  readonly #entriesMax: number;
  readonly #bytesMax: number;
  readonly #unsettled: UnsettledChanges;
  #entries = new Map<string, SharedEntry<Value>>();
  #names = new Set<string>();
  #bytes = 0;
  #mode: Mode = 'idle';
  #link: ShareLink | null = null;
  /** It was the state of a slot in this process. */
  #wasHeld = false;

  constructor(options: SharedMapOptions<Value> = {}) {
    const {
      bytesMax = 2 ** 28,
      entriesMax = 2 ** 20,
      waitingBytesMax = 2 ** 24,
      waitingMax = 16_384,
    } = options;
    this.#values = options.values ?? (octetValues() as unknown as SharedValues<Value>);
    this.#entriesMax = entriesMax;
    this.#bytesMax = bytesMax;
    this.#unsettled = new UnsettledChanges(waitingMax, waitingBytesMax);
  }

  /** Whether changes are taken: the slot is held here, or there is nobody to hold it. */
  get isHolder(): boolean {
    return this.#mode !== 'idle';
  }

  /** What becomes of secrets, as the agent has said; null: the slot is not held, or nobody has a copy. */
  get securityState(): SecurityState | null {
    return this.#link?.securityState ?? null;
  }

  /** Secrets that a former holder had, and that have to be made anew: each until it is set, or deleted. */
  get secretsToMake(): readonly string[] {
    return [...this.#names];
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Not to be changed in place: set it anew. */
  get(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Whether it was set as secret, here or by a former holder. */
  isSecret(key: string): boolean {
    return this.#entries.get(key)?.isSecret ?? this.#names.has(key);
  }

  *entries(): Generator<[string, Value], void> {
    for (const [key, { value }] of this.#entries) yield [key, value];
  }

  /**
   * A key, of 1 to 1,024 octets in UTF-8, has this value from now on. Resolves when the effect may be let out.
   * @throws PoolError with nothing changed: `refused` when the slot is not held, `overloaded` beyond a bound; and `closed` when the
   * slot was lost before it settled: whether the next holder has the change is not known
   */
  async set(key: string, value: Value, { secret: isSecret = false }: SharedSetOptions = {}): Promise<void> {
    // No copy is `slice` of a Buffer.
    const octets = new Uint8Array(this.#values.encode(value));
    const lengthMax = isSecret ? REPLICA_SECRET_BYTES_MAX : REPLICA_VALUE_BYTES_MAX;
    if (octets.length > lengthMax)
      throw new PoolError('overloaded', `a ${isSecret ? 'secret' : 'value'} has at most ${lengthMax} octets`);
    const name = this.#nameOf(key);
    const former = this.#entries.get(key);
    const bytes = this.#bytes + octets.length + (former ? -former.octets.length : name.length);
    if (bytes > this.#bytesMax || (!former && this.#entries.size >= this.#entriesMax))
      throw new PoolError('overloaded', 'the state is as large as it may be');
    const entry = { value: this.#values.decode(octets), octets, isSecret };
    await this.#change(key, entry, () => {
      this.#bytes = bytes;
      this.#names.delete(key);
      this.#entries.set(key, entry);
    });
  }

  /** A key is no more. Resolves as `set` does; whether it was there is told. @throws PoolError as `set` does */
  async delete(key: string): Promise<boolean> {
    const former = this.#entries.get(key);
    if (former === undefined && !this.#names.has(key)) {
      this.#checkHolder();
      return false;
    }
    const name = this.#nameOf(key);
    await this.#change(key, null, () => {
      if (former !== undefined) this.#bytes -= name.length + former.octets.length;
      this.#names.delete(key);
      this.#entries.delete(key);
    });
    return true;
  }

  /** Resolves when the effects of all changes so far may be let out. @throws PoolError `refused`, `overloaded`, `closed` */
  async settled(): Promise<void> {
    this.#checkHolder();
    this.#unsettled.checkRoom(0);
    if (this.#unsettled.count > 0) await this.#unsettled.wait(this.#unsettled.last, 0);
  }

  // ---------------------------------------------------------- by the agent

  async share(link: ShareLink, isOwn: boolean): Promise<boolean> {
    const bounds = { entriesMax: this.#entriesMax, bytesMax: this.#bytesMax };
    const theirs = await readContents(link, (octets) => this.#values.decode(octets), bounds);
    this.#link?.cut();
    const wasHolder = this.isHolder;
    const isKept = isOwn && this.#wasHeld;
    const ours = { entries: this.#entries, names: this.#names, bytes: this.#bytes };
    const corrections = isKept ? [...differences(ours, theirs, link.securityState)] : [];
    // What waits the agent may have, and those behind it not yet: it is safe with what comes after it, if only a removal of nothing.
    if (isKept && corrections.length === 0 && this.#unsettled.count > 0)
      corrections.push({ key: this.#unusedKey(), value: null });
    if (!isKept) {
      this.#unsettled.fail(new PoolError('closed', 'the state was replaced by that of the slot'));
      this.#entries = theirs.entries;
      this.#names = theirs.names;
      this.#bytes = theirs.bytes;
    }
    this.#wasHeld = true;
    this.#link = link;
    this.#mode = 'holding';
    const last = link.begin(corrections, {
      onAcknowledged: (sequence) => this.#unsettled.settle(sequence),
      onEnded: (sequence) => {
        this.#unsettled.settle(sequence);
        this.#idle();
      },
      onCut: () => {
        this.#link = null;
        this.#mode = 'cut';
        this.#unsettled.renumber(Number.POSITIVE_INFINITY);
      },
    });
    this.#unsettled.renumber(last);
    return !(wasHolder && isKept);
  }

  standAlone(): boolean {
    // An agent that goes on for one that is gone tells the role before it asks for the state: what changes waits for that.
    if (this.#mode !== 'idle') return false;
    this.#mode = 'alone';
    this.#wasHeld = true;
    this.#unsettled.settle(Number.POSITIVE_INFINITY);
    return true;
  }

  standBy(): void {
    // While it is connected, the end of that tells.
    if (this.#mode !== 'holding') this.#idle();
  }

  close(): void {
    this.#link?.cut();
    this.#idle();
  }

  /** @param next null: the key is no more */
  async #change(key: string, next: SharedEntry<Value> | null, apply: () => void): Promise<void> {
    this.#checkHolder();
    const state = this.#link?.securityState ?? 'excluded';
    const change = next === null ? { key: keyToOctets(key), value: null } : changeTo(key, next, state);
    const weight = change.key.length + (change.value?.length ?? 0);
    this.#unsettled.checkRoom(weight);
    // Of a secret that stays here nobody has anything, and nothing is to be waited for.
    const isUnknown = change.value === null && state === 'excluded' && this.#isOursAlone(key);
    apply();
    if (this.#mode === 'alone' || (this.#mode === 'holding' && isUnknown)) return;
    await this.#unsettled.wait(this.#link?.change(change) ?? Number.POSITIVE_INFINITY, weight);
  }

  #unusedKey(): string {
    let key = '\0';
    while (this.#entries.has(key) || this.#names.has(key)) key += '\0';
    return key;
  }

  #isOursAlone(key: string): boolean {
    return this.#entries.get(key)?.isSecret ?? !this.#names.has(key);
  }

  #idle(): void {
    this.#mode = 'idle';
    this.#link = null;
    this.#unsettled.fail(
      new PoolError('closed', 'the slot was lost: whether its next holder has the change is not known'),
    );
  }

  #checkHolder(): void {
    if (!this.isHolder) throw new PoolError('refused', 'this instance does not hold the slot');
  }

  #nameOf(key: string): string {
    const name = keyToOctets(key);
    if (name.length === 0 || name.length > REPLICA_KEY_BYTES_MAX)
      throw new PoolError('overloaded', `a key has 1 to ${REPLICA_KEY_BYTES_MAX} octets`);
    // Half a character is no UTF-8, and would be another key at the next holder.
    if (name !== key && keyFromOctets(name) !== key) throw new TypeError('a key has half a character');
    return name;
  }
}
