// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate, ReplicaStore } from '@vnfpool/core/replication';
import type { Logger } from '@vnfpool/runtime/logging';
import {
  receiversOf,
  SealError,
  type SealKey,
  type SealReceiver,
  sealReceiver,
  textOfReceivers,
  ValueOpener,
  ValueSealer,
} from '@vnfpool/runtime/state-seal';
import type { SecurityState } from '@vnfpool/wire/mobility';
import { SEAL_RECEIVERS_MAX } from '@vnfpool/wire/replication';
import { OpeningLog } from './opening-log.ts';
import type { SecretPlace } from './standby-places.ts';
import type { StateEntry } from './state-source.ts';

export interface SlotSecretsOptions {
  readonly slot: string;
  readonly epoch: number;
  /** Whom secrets are opened for, for the log. */
  readonly functionId: number;
  readonly securityState: SecurityState;
  readonly sealKey: SealKey;
  /** More is missing than was agreed on anyway: a secret that cannot be opened is to be made anew. */
  readonly isLossy: boolean;
  readonly logger: Logger;
}

const NOTHING = new Uint8Array();

/**
 * Between a function that marks keys as secret and the copies of its state: what goes to these is what the pool asks for, and
 * what comes back is opened here and nowhere else.
 */
export class SlotSecrets {
  readonly #options: SlotSecretsOptions;
  readonly #own: SealReceiver;
  readonly #opener: ValueOpener;
  #sealer: ValueSealer | null = null;
  /** As `textOfReceivers` has it; empty: not known yet. */
  #receivers = '';
  /** Since `rewrites` the rule for what there is has changed. */
  #isDue = true;
  /** Nodes that it was said of that they take none. */
  #leftOut = new Set<number>();

  constructor(options: SlotSecretsOptions) {
    this.#options = options;
    this.#own = sealReceiver(options.sealKey.publicKey);
    this.#opener = new ValueOpener(options.sealKey);
  }

  /**
   * Copies are to be at these places. @returns those that may have one: where secrets go along, such as take them. Whatever there is
   * already has to be kept as `rewrites` says before a copy goes to one of them.
   */
  placed<Place extends SecretPlace>(places: readonly Place[]): readonly Place[] {
    const { securityState, slot, epoch } = this.#options;
    if (securityState === 'excluded') return places;
    const receivers: SealReceiver[] = [this.#own];
    const fit = places.filter((place) => {
      const receiver = this.#receiverAt(place);
      const isFit = receiver !== null && receivers.length < SEAL_RECEIVERS_MAX;
      if (isFit) receivers.push(receiver);
      return isFit;
    });
    this.#tellLeftOut(places.filter((place) => !fit.includes(place)));
    const text = textOfReceivers(receivers.map(({ id }) => id));
    if (text !== this.#receivers && securityState === 'sealed') {
      // A key of its own for whoever may open it from now on: who is none of them any more opens nothing that comes.
      this.#sealer = new ValueSealer(slot, epoch, receivers);
      this.#receivers = text;
      this.#isDue = true;
    }
    return fit;
  }

  #tellLeftOut(places: readonly SecretPlace[]): void {
    const { logger, slot } = this.#options;
    for (const { standby } of places)
      if (!this.#leftOut.has(standby))
        logger.warn({ slot, node: standby }, 'a node that takes no secrets gets no copy');
    this.#leftOut = new Set(places.map(({ standby }) => standby));
  }

  /** What a change of the function is in the state. `placed` comes first. */
  kept(update: KeyUpdate): KeyUpdate {
    const { key, value, secret } = update;
    if (secret === undefined || value === null) return update;
    const { securityState } = this.#options;
    // The value of before, which was no secret, must not stay.
    if (securityState === 'excluded') return { key, value: null };
    if (securityState === 're-derive' || secret === 'name') return toMakeAnew(key);
    if (this.#sealer === null) throw new Error('a secret before anybody it could be sealed to');
    return { key, value: this.#sealer.seal(key, value), secret };
  }

  /**
   * The state as the function is to have it. @param isCorrected the function has the state itself, and says what it has otherwise: what
   * was damaged here is left out, so that it says it. @throws SealError for a secret that cannot be opened
   */
  *given(store: ReplicaStore, isCorrected: boolean): Generator<StateEntry, void> {
    const { slot, epoch, functionId, logger } = this.#options;
    const log = new OpeningLog(logger, 'secrets were opened for a function', { slot, epoch, functionId });
    try {
      for (const { key, value, secret } of store) {
        if (value === null) continue;
        if (isCorrected && !store.isSound(key)) continue;
        if (secret === undefined) yield [key, value];
        else if (secret === 'name') yield [key, value, secret];
        else {
          const opened = this.#opener.open(slot, key, value);
          log.opened(key, opened.epoch);
          yield [key, opened.value, secret];
        }
      }
    } finally {
      log.flush();
    }
  }

  /** What of the state is kept otherwise from now on: by another rule, or for other nodes. */
  rewrites(store: ReplicaStore): KeyUpdate[] {
    const { slot, epoch, securityState, logger } = this.#options;
    if (!this.#isDue) return [];
    this.#isDue = false;
    const log = new OpeningLog(logger, 'secrets were opened to be sealed to other nodes', { slot, epoch });
    const rewrites: KeyUpdate[] = [];
    for (const { key, value, secret } of store) {
      if (value === null || secret === undefined) continue;
      if (securityState === 'excluded') rewrites.push({ key, value: null });
      else if (secret === 'value' && securityState === 're-derive') rewrites.push(toMakeAnew(key));
      else if (secret === 'value') {
        const rewrite = this.#sealedAnew(key, value, log);
        if (rewrite !== null) rewrites.push(rewrite);
      }
    }
    log.flush();
    return rewrites;
  }

  #sealedAnew(key: string, value: Uint8Array, log: OpeningLog): KeyUpdate | null {
    const { slot, isLossy, logger } = this.#options;
    try {
      if (receiversOf(value) === this.#receivers) return null;
      const opened = this.#opener.open(slot, key, value);
      log.opened(key, opened.epoch);
      return this.kept({ key, value: opened.value, secret: 'value' });
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      const { code } = error;
      logger.error({ slot, name: shown(key), code }, 'a secret of the state cannot be opened here');
      return isLossy ? toMakeAnew(key) : null;
    }
  }

  #receiverAt({ sealKey }: SecretPlace): SealReceiver | null {
    if (sealKey === undefined) return null;
    try {
      return sealReceiver(sealKey);
    } catch (error) {
      if (error instanceof SealError) return null;
      throw error;
    }
  }
}

function toMakeAnew(key: string): KeyUpdate {
  return { key, value: NOTHING, secret: 'name' };
}

function shown(key: string): string {
  return Buffer.from(key, 'latin1').toString('utf8');
}
