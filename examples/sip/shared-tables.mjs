// SPDX-License-Identifier: Apache-2.0
// The map below the proxy's tables, which the standbys have, too.
import { jsonValues, SharedMap } from '@vnfpool/client/stateful';

const isRecord = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** The proxy changes it without waiting; what it says then waits until `change` resolves. */
export class SharedTables {
  /** Those of the run that goes on. */
  #changes = null;
  map;

  constructor(bounds = {}) {
    this.map = new SharedMap({ values: jsonValues(isRecord), waitingBytesMax: 2 ** 26, ...bounds });
  }

  get(key) {
    return this.map.get(key);
  }

  has(key) {
    return this.map.has(key);
  }

  entries() {
    return this.map.entries();
  }

  set(key, record) {
    this.#note(this.map.set(key, record));
  }

  delete(key) {
    const wasThere = this.map.has(key);
    if (wasThere) this.#note(this.map.delete(key));
    return wasThere;
  }

  /**
   * Runs what changes it; resolves when what that brings about may go out. Rejects when a change was refused, or the slot was lost
   * before it was safe.
   */
  async change(run) {
    const changes = [];
    this.#changes = changes;
    try {
      run();
    } finally {
      this.#changes = null;
    }
    // What was only read rests upon the changes of others.
    await Promise.all([...changes, this.map.settled()]);
  }

  #note(change) {
    if (this.#changes === null) change.catch(() => {});
    else this.#changes.push(change);
  }
}
