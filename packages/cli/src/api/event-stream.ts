// SPDX-License-Identifier: Apache-2.0

export interface StreamMessage {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

/** A message beyond this is refused: no state of a set comes near. */
const MESSAGE_CHARACTERS_MAX = 32 * 1024 * 1024;

/**
 * Takes the text of a server-sent event stream in pieces of any size and returns whole messages.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class EventStreamReader {
  #rest = '';
  #event = '';
  #id: string | undefined;
  #data: string[] = [];
  #characters = 0;

  /** @throws RangeError when a message is beyond the bound */
  push(text: string): StreamMessage[] {
    const messages: StreamMessage[] = [];
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line.endsWith('\r') ? line.slice(0, -1) : line, messages);
    if (this.#characters + this.#rest.length > MESSAGE_CHARACTERS_MAX) {
      throw new RangeError(`a message of the stream is longer than ${MESSAGE_CHARACTERS_MAX} characters`);
    }
    return messages;
  }

  #line(line: string, messages: StreamMessage[]): void {
    if (line === '') {
      if (this.#data.length > 0) {
        messages.push({
          event: this.#event === '' ? 'message' : this.#event,
          id: this.#id,
          data: this.#data.join('\n'),
        });
      }
      this.#event = '';
      this.#data = [];
      this.#characters = 0;
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    else if (field === 'id') this.#id = value;
    else if (field === 'data') {
      this.#data.push(value);
      this.#characters += value.length;
    }
  }
}
