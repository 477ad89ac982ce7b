// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { testSet } from '@vnfpool/testkit/certificates';

/** Files of a server. */
export interface ServerTls {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** What it asks for; absent: it asks whoever comes for nothing. */
  readonly client?: { readonly certificate: string; readonly key: string };
}

/** Certificates and secrets in a folder of their own. */
export class TlsFiles {
  readonly #folder = mkdtempSync(`${tmpdir()}/vnfpool-tls-`);

  /** A server at this address and a client, of one authority. @param name of the files */
  async pair(name: string, address = '127.0.0.1'): Promise<Required<ServerTls>> {
    const set = await testSet(name);
    const own = await set.credentials({ role: 'element', name: 'store' }, { addresses: [address] });
    const client = await set.credentials({ role: 'element', name: 'client' });
    return {
      ca: this.write(`${name}-ca.pem`, own.ca),
      certificate: this.write(`${name}.pem`, own.certificate),
      key: this.write(`${name}.key`, own.key),
      client: {
        certificate: this.write(`${name}-client.pem`, client.certificate),
        key: this.write(`${name}-client.key`, client.key),
      },
    };
  }

  /** @returns its path */
  write(name: string, text: string): string {
    const path = `${this.#folder}/${name}`;
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What an address says to reach it. */
export function queryOf({ ca, client }: ServerTls): string {
  return `?ca=${ca}${client === undefined ? '' : `&certificate=${client.certificate}&key=${client.key}`}`;
}
