// SPDX-License-Identifier: Apache-2.0
import {
  SessionCore,
  type SessionInput,
  type SessionOptions,
  type SessionOutput,
} from '@vnfpool/core/session';
import type { AsapMessage } from '@vnfpool/wire/asap';
import { decodeUtf8, encodeUtf8 } from '@vnfpool/wire/bytes';
import type { PoolElement } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../handlespace/seeded-random.ts';

const echo = encodeUtf8('echo');
const element = (id: number): PoolElement => ({
  id,
  homeRegistrar: 1,
  registrationLife: 60,
  userTransport: { type: 'tcp', port: 7, address: `10.0.0.${id}`, use: 'data-and-control' },
  policy: { type: 'round-robin' },
});
const cookie = (text: string): AsapMessage => ({ type: 'cookie', cookie: encodeUtf8(text) });
const card = (pool: Uint8Array, ...ids: number[]): AsapMessage => ({
  type: 'business-card',
  poolHandle: pool,
  elements: ids.map(element),
});

/** A session with its clock; outputs as words. */
class Session {
  readonly core: SessionCore;
  now = 0;

  constructor(options: Partial<SessionOptions> = {}) {
    this.core = new SessionCore({ poolHandle: echo, ...options }, seededRandom(3));
  }
  do(input: SessionInput): string[] {
    return brief(this.core.handle(input, this.now));
  }
  send(text: string, mayMove = true): string[] {
    return this.do({ type: 'send', data: encodeUtf8(text), mayMove });
  }
  found(request: number, ...ids: number[]): string[] {
    return this.do({ type: 'candidates', request, elements: ids.map(element) });
  }
  up(channel: number, control = true): string[] {
    return this.do({ type: 'connected', channel, control });
  }
  lost(channel: number, how: 'ended' | 'closed' | 'failed' = 'failed'): string[] {
    return this.do({ type: 'closed', channel, how, reason: 'reset' });
  }
  hear(channel: number, message: AsapMessage): string[] {
    this.do({ type: 'heard', channel });
    return this.do({ type: 'control', channel, message });
  }
  next(): string[] {
    this.now = this.core.nextDeadline() ?? Number.NaN;
    return brief(this.core.expire(this.now));
  }
  /** At element 1 over channel 1. */
  opened(control = true): this {
    this.do({ type: 'open' });
    this.found(1, 1, 2, 3);
    expect(this.up(1, control).at(-1)).toBe('opened 1');
    return this;
  }
}

function brief(outputs: readonly SessionOutput[]): string[] {
  return outputs.map((output) => {
    switch (output.type) {
      case 'resolve':
        return output.fresh ? `ask ${output.request}` : `resolve ${output.request}`;
      case 'unreachable':
        return output.report ? `report ${output.elementId}` : `drop ${output.elementId}`;
      case 'connect':
        return `connect ${output.channel} ${output.element.id}`;
      case 'disconnect':
        return output.ended ? `end ${output.channel}` : `cut ${output.channel}`;
      case 'control':
        return `${output.channel} ${output.message.type}${'cookie' in output.message ? ` ${decodeUtf8(output.message.cookie)}` : ''}`;
      case 'greet':
        return `${output.channel} greet`;
      case 'transmit':
        return `${output.channel} "${decodeUtf8(output.data)}"`;
      case 'event': {
        const back =
          'returned' in output
            ? output.returned.map(
                ({ number, data, handed }) => ` ${number}${handed ? '?' : ''}=${decodeUtf8(data)}`,
              )
            : [];
        const who =
          output.event === 'failed-over'
            ? ` ${output.from.id}>${output.to.id}${output.cookieSent ? ' cookie' : ''} resent ${output.resent}`
            : 'element' in output
              ? ` ${output.element.id}`
              : 'kept' in output
                ? ` ${output.kept}`
                : '';
        return `${output.event}${who}${back.join('')}`;
      }
    }
  });
}

describe('opening', () => {
  test('resolve, connect, greet, and what was sent meanwhile', () => {
    const session = new Session();
    expect(session.do({ type: 'open' })).toEqual(['resolve 1']);
    expect(session.send('a')).toEqual([]);
    expect(session.found(1, 5, 6)).toEqual(['connect 1 5']);
    expect(session.up(1)).toEqual(['1 greet', '1 "a"', 'opened 5']);
    expect(session.send('b')).toEqual(['1 "b"']);
  });

  test('an element that cannot be connected is reported, the next one tried', () => {
    const session = new Session();
    session.do({ type: 'open' });
    session.found(1, 5, 6);
    expect(session.lost(1)).toEqual(['report 5', 'cut 1', 'resolve 2']);
    expect(session.found(2, 5, 6)).toEqual(['connect 2 6']);
    expect(session.up(2)).toContain('opened 6');
  });

  test('one that takes too long likewise', () => {
    const session = new Session();
    session.do({ type: 'open' });
    session.found(1, 5, 6);
    expect(session.next()).toEqual(['report 5', 'cut 1', 'resolve 2']);
    expect(session.now).toBe(5000);
  });

  test('a pool that nobody knows ends it', () => {
    const session = new Session();
    session.do({ type: 'open' });
    session.send('a');
    expect(session.do({ type: 'no-candidates', request: 1, reason: 'unknown pool' })).toEqual(['failed 1=a']);
    expect(session.core.nextDeadline()).toBeUndefined();
  });

  test('only so many are tried, and only for so long', () => {
    const session = new Session({ triesMax: 3 });
    session.do({ type: 'open' });
    session.found(1, 5);
    session.lost(1);
    expect(session.found(2, 5)).toEqual([]);
    expect(session.next()).toEqual(['ask 3']);
    session.found(3, 5);
    session.lost(2);
    session.found(4, 5);
    session.next();
    session.found(5, 5);
    session.lost(3);
    session.found(6, 5);
    session.next();
    expect(session.found(7, 5)).toEqual(['failed']);
    const slow = new Session({ failoverTimeoutMs: 100 });
    slow.do({ type: 'open' });
    expect(slow.next()).toEqual(['failed']);
  });
});

describe('§8.7 failover', () => {
  test('detect, report, choose, connect, cookie first, unsent data, event', () => {
    const session = new Session().opened();
    session.send('a');
    expect(session.hear(1, cookie('one'))).toEqual(['cookie true']);
    session.hear(1, cookie('two'));
    session.now = 100;
    expect(session.lost(1)).toEqual(['report 1', 'failing-over 1', 'resolve 2']);
    expect(session.send('b')).toEqual([]);
    expect(session.found(2, 1, 2)).toEqual(['connect 2 2']);
    expect(session.up(2)).toEqual(['2 cookie-echo two', '2 "b"', 'failed-over 1>2 cookie resent 1 1?=a']);
  });

  test('the order of the business card goes before what the registrar says', () => {
    const session = new Session().opened();
    session.hear(1, card(echo, 3, 2));
    expect(session.lost(1)).toContain('connect 2 3');
    expect(session.lost(2)).toEqual(['report 3', 'cut 2', 'connect 3 2']);
    expect(session.lost(3)).toEqual(['report 2', 'cut 3', 'resolve 2']);
  });

  test('the card of another pool says nothing', () => {
    const session = new Session().opened();
    expect(session.hear(1, card(encodeUtf8('other'), 3))).toEqual([]);
    expect(session.lost(1)).toContain('resolve 2');
  });

  test('one without data to it is dropped, not reported', () => {
    expect(new Session().opened().lost(1)[0]).toBe('drop 1');
  });

  test('without control channel there is neither cookie nor greeting', () => {
    const session = new Session().opened(false);
    session.send('a');
    session.lost(1);
    session.found(2, 2);
    expect(session.up(2, false)).toEqual(['failed-over 1>2 resent 0 1?=a']);
  });

  test('the last element that is gone may be back in a moment', () => {
    const session = new Session().opened();
    session.lost(1);
    expect(session.do({ type: 'no-candidates', request: 2, reason: 'unknown pool' })).toEqual([]);
    expect(session.next()).toEqual(['ask 3']);
    expect(session.found(3, 1)).toEqual(['connect 2 1']);
  });

  test('an element that accepts and falls at once does not keep the session busy for ever', () => {
    const session = new Session({ triesMax: 4 }).opened();
    const story: string[] = [];
    for (let channel = 1; channel < 9; channel += 1) {
      story.push(...session.lost(channel));
      story.push(...session.found(channel + 1, 1, 2, 3));
      if (session.core.nextDeadline() !== undefined && story.at(-1)?.startsWith('connect') !== true)
        story.push(...session.next(), ...session.found(channel + 2, 1, 2, 3));
      session.up(channel + 1);
    }
    expect(story.at(-1)).toBe('failed');
    expect(story.filter((text) => text.startsWith('connect')).length).toBe(3);
  });

  test('asked for by the application', () => {
    const session = new Session().opened();
    expect(session.do({ type: 'fail-over', reason: 'too slow', report: false })).toEqual([
      'cut 1',
      'drop 1',
      'failing-over 1',
      'resolve 2',
    ]);
  });

  test('late words of the lost element are not heard', () => {
    const session = new Session().opened();
    session.lost(1);
    session.hear(1, cookie('late'));
    session.found(2, 2);
    expect(session.up(2)).not.toContain('2 cookie-echo late');
  });

  test('a cookie beyond the bound is not kept', () => {
    const session = new Session({ cookieBytesMax: 3 }).opened();
    session.hear(1, cookie('one'));
    expect(session.hear(1, cookie('long'))).toEqual(['cookie false']);
    session.lost(1);
    session.found(2, 2);
    expect(session.up(2)[0]).toBe('2 cookie-echo one');
  });
});

describe('the end', () => {
  test('said by the element; or by closing, where nothing can be said', () => {
    expect(new Session().opened().lost(1, 'ended')).toEqual(['ended']);
    expect(new Session().opened(false).lost(1, 'closed')).toEqual(['ended']);
    expect(new Session({ peerClose: 'end' }).opened().lost(1, 'closed')).toEqual(['ended']);
    expect(new Session({ peerClose: 'fail-over' }).opened(false).lost(1, 'closed')[0]).toBe('drop 1');
    expect(new Session().opened().lost(1, 'closed')[0]).toBe('drop 1');
  });

  test('said by us, and nothing follows', () => {
    const session = new Session().opened();
    expect(session.do({ type: 'close' })).toEqual(['end 1', 'ended']);
    expect(session.send('a')).toEqual([]);
    expect(session.lost(1)).toEqual([]);
  });
});

describe('what is sent again', () => {
  test('unacknowledged: everything since, in order', () => {
    const session = new Session({ resend: 'unacknowledged' }).opened();
    for (const text of ['a', 'b', 'c']) session.send(text);
    session.do({ type: 'acknowledge', upTo: 1 });
    session.lost(1);
    session.send('d');
    session.found(2, 2);
    expect(session.up(2)).toEqual(['2 greet', '2 "b"', '2 "c"', '2 "d"', 'failed-over 1>2 resent 3']);
  });

  test('messages that must not move come back', () => {
    const session = new Session({ resend: 'unacknowledged' }).opened();
    session.send('a', false);
    session.lost(1);
    session.send('b', false);
    session.found(2, 2);
    session.lost(2);
    session.found(3, 3);
    // The second one had no element yet, so it went to the first that there was.
    expect(session.up(3)).toEqual(['3 greet', '3 "b"', 'failed-over 1>3 resent 1 1?=a']);
  });

  test('the oldest that a transport had are forgotten at the bound; room is for those it had not', () => {
    const session = new Session({ messagesMax: 2 }).opened();
    for (const text of ['a', 'b', 'c']) session.send(text);
    expect(session.core.hasRoom(1)).toBe(true);
    session.lost(1);
    session.send('d');
    session.send('e');
    expect(session.core.hasRoom(1)).toBe(false);
    session.found(2, 2);
    expect(session.up(2).at(-1)).toBe('failed-over 1>2 resent 2 2?=b 3?=c');
  });

  test('unacknowledged: the bound refuses more until there is an acknowledgement', () => {
    const session = new Session({ resend: 'unacknowledged', bytesMax: 4 }).opened();
    session.send('abc');
    expect([session.core.hasRoom(1), session.core.hasRoom(2)]).toEqual([true, false]);
    session.do({ type: 'acknowledge', upTo: 1 });
    expect(session.core.hasRoom(2)).toBe(true);
  });
});
