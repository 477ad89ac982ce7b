// SPDX-License-Identifier: Apache-2.0
import { writeSecretFile } from '@vnfpool/runtime/files';
import { COOKIE_SECRETS_VARIABLE, type CookieSecrets, encodeHandedCookies } from '@vnfpool/wire/mobility';
import { type FunctionContext, SocketFolder } from './function-state/index.ts';

/** Secrets of its pool, as the agent core has them for one function. */
export type Handed = CookieSecrets & { readonly pool: string };

export interface HandedSecretsOptions {
  /** Where a folder for them is made, if the function has none. */
  readonly wanted: string;
  /** That which the function and the agent share already; null: none. */
  readonly shared: string | null;
  /** It is there for nothing else. */
  readonly isOwn: boolean;
  /** Where the function lives otherwise than we do. */
  readonly context: FunctionContext | undefined;
}

const NAME = 'cookie-secrets';

/** The file in which a function finds the secrets that cookies of its pool are sealed with. Only the function may read it. */
export class HandedSecrets {
  /** That the function must reach. */
  readonly folder: string;
  readonly #at: SocketFolder;
  readonly #isOwn: boolean;

  constructor({ wanted, shared, isOwn, context }: HandedSecretsOptions) {
    this.#at = SocketFolder.make(wanted, context ?? null, shared);
    this.#isOwn = isOwn;
    this.folder = this.#at.root;
  }

  /** @returns the environment by which a function finds it */
  write({ pool, secrets, maxAgeMs }: Handed): Readonly<Record<string, string>> {
    writeSecretFile(this.#at.path(NAME), encodeHandedCookies({ v: 1, pool, secrets, maxAgeMs }));
    return { [COOKIE_SECRETS_VARIABLE]: this.#at.share(NAME) };
  }

  /** The function has ended. */
  remove(): void {
    if (this.#isOwn) this.#at.remove();
  }
}
