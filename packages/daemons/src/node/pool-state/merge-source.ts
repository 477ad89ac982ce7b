// SPDX-License-Identifier: Apache-2.0
import { MergeSocket, type PoolReplica } from '@vnfpool/runtime/gossip';
import type { CurrentLink } from '../function-state/current-link.ts';
import { DataSocket } from '../function-state/data-socket.ts';
import type { FunctionLink } from '../function-state/function-link.ts';
import { FunctionStateError, type FunctionStateLimits } from '../function-state/function-state.ts';
import type { SocketFolder } from '../function-state/socket-folder.ts';
import { orAborted } from '../function-state/waiting.ts';
import { MergeStream } from './merge-stream.ts';

export interface MergeSourceOptions {
  readonly current: CurrentLink;
  readonly folder: SocketFolder;
  readonly limits: FunctionStateLimits;
  /** What it takes part in, now; null: nothing. */
  readonly replica: () => PoolReplica | null;
  /** The function cannot take part by this connection, and why. */
  readonly onRefused: (error: FunctionStateError) => void;
}

interface Joined {
  readonly link: FunctionLink;
  readonly replica: PoolReplica;
  stream: MergeStream | null;
}

/** A function's part in the mergeable state of its pool, by its local socket: as long as it is connected and there is such state. */
export class MergeSource {
  readonly #options: MergeSourceOptions;
  #link: FunctionLink | null = null;
  #joined: Joined | null = null;

  constructor(options: MergeSourceOptions) {
    this.#options = options;
  }

  /** The function was welcomed, and says that it takes part. */
  connected(link: FunctionLink): void {
    this.#link = link;
    this.refresh();
  }

  disconnected(): void {
    this.#link = null;
    this.#leave();
  }

  /** There may be another replica, or none. */
  refresh(): void {
    const link = this.#link;
    const replica = link === null ? null : this.#options.replica();
    if (this.#joined !== null && this.#joined.replica === replica && this.#joined.link === link) return;
    this.#leave();
    if (link !== null && replica !== null) void this.#join(link, replica);
  }

  #leave(): void {
    const joined = this.#joined;
    this.#joined = null;
    joined?.stream?.destroy();
  }

  async #join(link: FunctionLink, replica: PoolReplica): Promise<void> {
    const joined: Joined = { link, replica, stream: null };
    this.#joined = joined;
    try {
      joined.stream = await this.#begin(link, replica);
      if (this.#joined === joined) await joined.stream.run();
      else joined.stream.destroy();
    } catch (error) {
      if (this.#joined !== joined) return;
      this.#joined = null;
      if (link.ended) return;
      link.refuse(error as FunctionStateError);
      // The socket tells of these itself.
      const { code } = error as FunctionStateError;
      if (code !== 'protocol' && code !== 'not-answered')
        this.#options.onRefused(error as FunctionStateError);
    }
  }

  async #begin(link: FunctionLink, replica: PoolReplica): Promise<MergeStream> {
    const { current, folder, limits } = this.#options;
    const stop = current.stop(undefined);
    const name = folder.fresh();
    let data: DataSocket | undefined;
    try {
      data = await DataSocket.listen(folder.path(name));
      const answered = link.request({ op: 'merge', data: folder.share(name) }, stop.signal);
      answered.catch(stop.expire);
      stop.deadline.arm(limits.stallMs, 'the function did not connect to merge its state');
      const socket = new MergeSocket(await orAborted(data.connection, stop.signal));
      await data.leave();
      stop.deadline.arm(limits.answerMs, 'the function did not answer merge');
      await answered;
      return new MergeStream(socket, replica);
    } finally {
      stop.deadline.disarm();
      stop.expire(new FunctionStateError('aborted', 'the function takes part'));
      await data?.close(stop.signal);
    }
  }
}
