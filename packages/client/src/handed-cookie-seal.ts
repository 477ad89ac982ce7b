// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs';
import { CookieSeal as PoolSeal } from '@vnfpool/runtime/cookie-seal';
import { COOKIE_SECRETS_VARIABLE, type HandedCookies, parseHandedCookies } from '@vnfpool/wire/mobility';
import { type CookieSeal, type CookieSealOptions, poolSealOptions, sealBy } from './cookie-seal.ts';
import { PoolError } from './pool-error.ts';

export interface HandedCookieSealOptions extends Pick<CookieSealOptions, 'encrypt' | 'nowMs'> {
  /** The file that the node agent writes; default `VNFPOOL_COOKIE_SECRETS` of the environment. */
  readonly path?: string;
}

/** Another secret seals after so long at the latest; it opens at once. */
const LOOK_EVERY_MS = 1_000;

/**
 * As `cookieSeal`, with the secrets that the set hands to functions of a pool whose method is `cookie`. Follows them when they change.
 * @throws PoolError `not-handed` without such a file, or for one that is none
 */
export function handedCookieSeal(options: HandedCookieSealOptions = {}): CookieSeal {
  const { path = process.env[COOKIE_SECRETS_VARIABLE], nowMs = Date.now, encrypt } = options;
  if (path === undefined)
    throw new PoolError(
      'not-handed',
      `no secrets were handed to this process: ${COOKIE_SECRETS_VARIABLE} is not set`,
    );
  const file = new HandedFile(path);
  const first = file.read();
  const pool = new PoolSeal(
    poolSealOptions({
      poolHandle: first.pool,
      ...secretsOf(first),
      ...(encrypt === undefined ? {} : { encrypt }),
    }),
  );
  let lookedMs = nowMs();
  /** Whether it is another one than before. */
  const look = (): boolean => {
    lookedMs = nowMs();
    const changed = file.changed();
    if (changed === null) return false;
    const { secrets, maxAgeMs } = secretsOf(changed);
    pool.change({ secrets, ageMaxMs: maxAgeMs });
    return true;
  };
  const seal = sealBy(pool, nowMs);
  return {
    newSession: () => seal.newSession(),
    seal: (state, session) => {
      if (Math.abs(nowMs() - lookedMs) >= LOOK_EVERY_MS) look();
      return seal.seal(state, session);
    },
    open: (cookie) => {
      const opened = seal.open(cookie);
      // Whoever sealed it may have heard of another secret before us.
      return opened === 'unknown secret' && look() ? seal.open(cookie) : opened;
    },
  };
}

/** The file as it was read last. */
class HandedFile {
  readonly #path: string;
  /** Of the version that was read: a file that is replaced is another one. */
  #version = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws PoolError */
  read(): HandedCookies {
    try {
      this.#version = this.#versionNow();
      return parseHandedCookies(new Uint8Array(readFileSync(this.#path)));
    } catch (error) {
      throw new PoolError(
        'not-handed',
        `the secrets that were handed to this process cannot be read: ${this.#path}: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }

  /** Null: it is what it was, or cannot be read just now. */
  changed(): HandedCookies | null {
    const former = this.#version;
    try {
      if (this.#versionNow() === former) return null;
      return this.read();
    } catch {
      // It is looked at again.
      this.#version = former;
      return null;
    }
  }

  #versionNow(): string {
    const { ino, mtimeNs, size } = statSync(this.#path, { bigint: true });
    return `${ino} ${mtimeNs} ${size}`;
  }
}

function secretsOf({
  secrets,
  maxAgeMs,
}: HandedCookies): Pick<CookieSealOptions, 'secrets'> & { maxAgeMs: number } {
  return {
    secrets: secrets.map((secret) => Uint8Array.from(Buffer.from(secret, 'hex'))),
    maxAgeMs: Math.max(maxAgeMs, 1),
  };
}
