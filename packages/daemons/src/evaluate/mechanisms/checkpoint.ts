// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import { CheckpointWriter, readCheckpoints } from '@vnfpool/runtime/checkpoint';
import { FolderStore, type ObjectStore } from '@vnfpool/store/objects';
import type { Mechanism } from '../mechanism.ts';
import { entriesOf, SLOT } from './replicate.ts';

/** As a pool asks for by `loss: 1s`: a checkpoint begins half of it behind the first change that the last one lacks. */
const BEHIND_MS = 500;

/** A folder of this machine, which counts what is written there. */
class CountingStore extends FolderStore {
  octets = 0;

  override create(folder: string, name: string, octets: Uint8Array): Promise<boolean> {
    this.octets += octets.length;
    return super.create(folder, name, octets);
  }
}

/** To a folder, which outlives all processes; whoever goes on reads it. */
export const checkpoint: Mechanism = {
  name: 'checkpoint',
  method: 'checkpoint',
  standbys: 1,
  loses: 'bounded',
  survivesAll: true,
  needs: 'a store that every node reaches',
  sharing: 'method: [checkpoint]\nstore: main\nloss: 1s',
  standby: async (place) => {
    const objects: ObjectStore = new FolderStore(place.folder);
    return {
      takeOver: async () => {
        const { store } = await readCheckpoints(objects, SLOT);
        return entriesOf(store);
      },
    };
  },
  holder: async (place, _standbys, reached) => {
    const objects = new CountingStore(place.folder);
    const state = new ReplicaStore();
    const wallMs = (): number => Date.now();
    const writer = new CheckpointWriter({ objects, slot: SLOT, epoch: 1, node: 1, wallMs, state });
    await writer.claim();
    let [isPlanned, isWriting, position] = [false, false, 0];
    const write = async (): Promise<void> => {
      isPlanned = false;
      isWriting = true;
      try {
        await writer.write();
        reached(writer.sequence);
      } catch (error) {
        place.happened(`the store failed: ${(error as Error).message}`);
      }
      isWriting = false;
      if (state.sequence > writer.sequence) plan();
    };
    const plan = (): void => {
      if (isPlanned || isWriting) return;
      isPlanned = true;
      setTimeout(() => void write(), BEHIND_MS);
    };
    return {
      carry: ({ key, value }) => {
        state.update(key, value);
        position += 1;
        plan();
        return undefined;
      },
      get position() {
        return position;
      },
      get fileOctets() {
        return objects.octets;
      },
    };
  },
};
