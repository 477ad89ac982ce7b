// SPDX-License-Identifier: Apache-2.0

export interface StreamMessage {
  readonly event: string;
  readonly data: string;
}

/** A message longer than this ends the connection: no state of a set comes near. */
export const messageCharactersMax: number = 4 * 1024 * 1024;

/**
 * Cuts a server-sent event stream, arriving in any pieces, into messages. `EventSource` would do this but
 * cannot send an Authorization header.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class EventStreamParser {
  #rest = '';
  #event = '';
  #data: string[] = [];
  #dataCharacters = 0;

  /** Takes the next piece and returns the messages that it completes. Throws RangeError beyond the bound. */
  push(text: string): StreamMessage[] {
    const messages: StreamMessage[] = [];
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line === '') this.#finish(messages);
      else this.#field(line);
    }
    if (this.#rest.length + this.#dataCharacters > messageCharactersMax) {
      throw new RangeError(`stream message exceeds ${messageCharactersMax} characters`);
    }
    return messages;
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#event = value;
    if (name === 'data') {
      this.#data.push(value);
      this.#dataCharacters += value.length;
    }
  }

  #finish(messages: StreamMessage[]): void {
    if (this.#data.length > 0)
      messages.push({ event: this.#event || 'message', data: this.#data.join('\n') });
    this.#event = '';
    this.#data = [];
    this.#dataCharacters = 0;
  }
}
