// SPDX-License-Identifier: Apache-2.0
// A stateful proxy and registrar without a socket: datagrams and the time come in, datagrams and questions go out.
import { WireError } from '@vnfpool/wire/bytes';
import {
  decodeSipMessage,
  encodeSipMessage,
  formatVia,
  headerValues,
  parseSipUri,
  parseVia,
  readSipEssentials,
  withHeader,
} from '@vnfpool/wire/sip';
import { CallForwarding } from './call-forwarding.mjs';
import { Calls, contactsOf, namesOf } from './calls.mjs';
import { Dialogs } from './dialogs.mjs';
import {
  callOf,
  loopDigest,
  responseTo,
  returnPath,
  targetOf,
  transactionId,
  withoutTopVia,
  withSource,
} from './messages.mjs';
import { MovedCalls } from './moved-calls.mjs';
import { Refusal, Registrar } from './registrar.mjs';
import { parseRequestUri, Routing, routesOf } from './routing.mjs';
import { Tables } from './tables.mjs';
import { Transactions } from './transactions.mjs';

const ALLOW =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE, INFO, UPDATE, PRACK, REFER, SUBSCRIBE, NOTIFY';
const METHODS = new Set(ALLOW.split(', '));
const ASKING_MAX = 1_000;
const SWEEP_MS = 10_000;

export class SipProxy {
  #options;
  #registrar;
  #routing;
  #transactions;
  #dialogs;
  #out = [];
  calls;
  moved;
  forwarding;
  /** REGISTERs that wait for the store of subscribers; their clients repeat them if we move. */
  #asking = new Map();
  #sweepAt = 0;
  tables;
  counters = {};

  /**
   * @param options `domain`: ours; `advertised` `{ host, port }`: what others reach us by, wherever we run; `asks`: a store of
   * subscribers decides on REGISTER; `tells`: counters by OPTIONS; `expiresMinS`, `timers`, `bounds`, and `state` for the tables
   */
  constructor(options) {
    this.#options = options;
    this.tables = new Tables({ ...options.bounds, state: options.state });
    this.#registrar = new Registrar(this.tables.users, options);
    const count = (name, by) => this.#count(name, by);
    const send = (message, path) => this.#send(message, path);
    this.#dialogs = new Dialogs({ table: this.tables.dialogs, count, timers: options.timers });
    this.#routing = new Routing(options, this.#registrar, this.#dialogs);
    this.#transactions = new Transactions({
      table: this.tables.transactions,
      dialogs: this.#dialogs,
      count,
      send,
      timers: options.timers,
    });
    const { tables } = this;
    this.calls = new Calls({ tables, transactions: this.#transactions, dialogs: this.#dialogs });
    this.moved = new MovedCalls({ tables, calls: this.calls, count });
    this.forwarding = new CallForwarding({
      moved: this.moved,
      advertised: options.advertised,
      routing: this.#routing,
      dialogs: this.#dialogs,
      count,
      put: (output) => this.#out.push(output),
      handle: (bytes, source, now) => this.handle(bytes, source, now),
    });
  }

  /**
   * What is to be done: `{ bytes, address, port }` to send, `{ ask, aor }` to be answered by `admit`; for the port of forwarded
   * packets `{ forward, transfer, packet }` with `forward` `arrived` or `send`, `{ ended, transfer }`, `{ drop }`.
   */
  take() {
    return this.#out.splice(0);
  }

  /** Active from now on, with what was there or was imported. */
  takeOver(now) {
    this.tables.recount();
    this.#transactions.restart(now);
    this.#dialogs.restart(now);
    this.moved.restart();
  }

  tick(now) {
    this.#transactions.tick(now, this.moved.isHeld);
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + SWEEP_MS;
    this.#registrar.sweep(now);
    this.#dialogs.sweep(now, this.moved.isHeld);
    this.forwarding.sweep();
  }

  /**
   * Answers OPTIONS to ourselves, which changes nothing, in any role; false: it is something else. `own`: where it came to, if that is not
   * what is advertised, as when an agent asks how we are.
   */
  probe(bytes, source, own = this.#options.advertised) {
    try {
      const request = decodeSipMessage(bytes);
      if (request.type !== 'request' || request.method !== 'OPTIONS') return false;
      const essentials = readSipEssentials(request);
      const uri = parseSipUri(request.uri);
      if (!this.#routing.isHere(uri, own) || uri.user !== null) return false;
      if (routesOf(request).some((route) => !this.#routing.isOurs(route.uri, own))) return false;
      this.#count('probes');
      const known = withSource(request, essentials.vias[0], source);
      const tells = this.#options.tells && headerValues(request, 'Accept').includes('application/json');
      const type = tells ? [['Content-Type', 'application/json']] : [];
      const headers = [['Allow', ALLOW], ['Accept', 'application/sdp'], ...type];
      const body = tells ? new TextEncoder().encode(JSON.stringify(this.#report())) : new Uint8Array();
      this.#answer(known, transactionId(request, essentials), 200, 'OK', { headers, body });
      return true;
    } catch (error) {
      if (error instanceof WireError) return false;
      throw error;
    }
  }

  handle(bytes, source, now) {
    let message;
    try {
      message = decodeSipMessage(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#count('dropped.malformed');
      return;
    }
    try {
      const essentials = readSipEssentials(message);
      if (this.forwarding.takes(bytes, message, essentials, source)) return;
      if (message.type === 'response') this.#response(message, essentials, now);
      else this.#request(withSource(message, essentials.vias[0], source), essentials, now);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      if (message.type === 'response') this.#count('dropped.malformed');
      else this.#badRequest(message, source);
    }
  }

  /** What the store says of a user, null: nothing. */
  admit(id, verdict, now) {
    const asked = this.#asking.get(id);
    this.#asking.delete(id);
    if (!asked) return;
    const { request, essentials, aor } = asked;
    if (verdict === null) this.#answer(request, id, 504, 'No Answer Of The Subscriber Store');
    else if (!verdict.may) this.#answer(request, id, 403, 'Not A Subscriber');
    else this.#attempt(() => this.#store(request, essentials, id, aor, verdict, now));
  }

  /** The answer to a REGISTER will not come here. */
  forget(id) {
    this.#asking.delete(id);
  }

  #request(request, essentials, now) {
    const { method } = request;
    this.#count(`requests.${METHODS.has(method) ? method : 'other'}`);
    const id = transactionId(request, essentials);
    if (method === 'CANCEL') {
      const found = this.#transactions.cancel(id, now);
      this.#answer(request, id, found ? 200 : 481, found ? 'OK' : 'Call/Transaction Does Not Exist');
      return;
    }
    if (this.#transactions.absorb(id, method, now)) return;
    // Its INVITE was refused by us, without a transaction.
    if (method === 'ACK' && essentials.to.parameters.get('tag') === tagOf(id)) return;
    try {
      this.#newRequest(request, essentials, id, now);
    } catch (error) {
      const refusal = error instanceof WireError ? new Refusal(400, 'Bad Request') : error;
      if (!(refusal instanceof Refusal)) throw error;
      const { status, message, headers } = refusal;
      this.#answer(request, id, status, message, { headers });
    }
  }

  #newRequest(request, essentials, id, now) {
    const uri = parseRequestUri(request.uri);
    if (essentials.maxForwards === 0) throw new Refusal(483, 'Too Many Hops');
    const loop = loopDigest(request, essentials);
    const names = namesOf(request, essentials);
    const own = this.forwarding.ownIn(names.call);
    if (essentials.vias.some((via) => this.#routing.branchOf(via, own)?.loop === loop))
      throw new Refusal(482, 'Loop Detected');
    const required = headerValues(request, 'Proxy-Require');
    if (required.length > 0)
      throw new Refusal(
        420,
        'Bad Extension',
        required.map((value) => ['Unsupported', value]),
      );
    if (request.method === 'REGISTER') {
      this.#register(request, essentials, id, uri, now);
      return;
    }
    const next = this.#routing.route(request, essentials, uri, own, now);
    const target = targetOf(next.to);
    if (target === null) throw new Refusal(503, 'No Address To Send To');
    const via = this.#routing.via(id, loop, own);
    let forwarded = withHeader({ ...request, uri: next.uri }, 'Route', next.routes);
    forwarded = withHeader(forwarded, 'Max-Forwards', [String((essentials.maxForwards ?? 71) - 1)]);
    forwarded = withHeader(forwarded, 'Via', [formatVia(via), ...headerValues(request, 'Via')]);
    if (request.method === 'INVITE')
      forwarded = withHeader(forwarded, 'Record-Route', [
        this.#routing.recordRoute(own),
        ...headerValues(request, 'Record-Route'),
      ]);
    if (request.method === 'ACK') {
      this.#send(forwarded, target);
      return;
    }
    if (this.tables.transactions.full || (request.method === 'INVITE' && this.tables.dialogs.full))
      throw new Refusal(503, 'Full', [['Retry-After', '5']]);
    if (request.method === 'INVITE') this.#answer(request, id, 100, 'Trying');
    this.#transactions.start(id, request.method, forwarded, target, names, now);
  }

  #register(request, essentials, id, uri, now) {
    const to = parseRequestUri(essentials.to.uri);
    if (!this.#routing.isHere(uri) || !this.#routing.isHere(to) || to.user === null)
      throw new Refusal(404, 'Not Of This Domain');
    const aor = this.#routing.aor(to);
    if (!this.#options.asks) {
      this.#store(request, essentials, id, aor, {}, now);
      return;
    }
    if (this.#asking.has(id)) return;
    if (this.#asking.size >= ASKING_MAX) throw new Refusal(503, 'Full', [['Retry-After', '5']]);
    this.#asking.set(id, { request, essentials, aor });
    this.#out.push({ ask: id, aor });
  }

  #store(request, essentials, id, aor, limits, now) {
    let response;
    try {
      if (this.tables.transactions.full) throw new Refusal(503, 'Full', [['Retry-After', '5']]);
      const contacts = this.#registrar.register(aor, request, essentials, limits, now);
      const headers = contacts.map((contact) => ['Contact', contact]);
      response = responseTo(request, 200, 'OK', { tag: tagOf(id), headers });
    } catch (error) {
      const refusal = error instanceof WireError ? new Refusal(400, 'Bad Request') : error;
      if (!(refusal instanceof Refusal)) throw error;
      const { status, message, headers } = refusal;
      response = responseTo(request, status, message, { tag: tagOf(id), headers });
    }
    this.#count(`responses.${response.status}`);
    const path = returnPath(parseVia(headerValues(response, 'Via')[0]));
    this.#send(response, path);
    // Repeated, it gets the same answer, and not that of a REGISTER which is out of order.
    if (path !== null && !this.tables.transactions.full)
      this.#transactions.complete(id, 'REGISTER', response, path, now);
  }

  #response(response, essentials, now) {
    const [top] = essentials.vias;
    const branch = this.#routing.branchOf(top, this.forwarding.ownIn(callOf(essentials.callId)));
    const up = withoutTopVia(response);
    const contacts = contactsOf(response);
    if (branch === null) this.#count('dropped.stray');
    else if (this.#transactions.response(branch.id, response, essentials, up, contacts, now)) return;
    else if (
      up &&
      response.status < 300 &&
      essentials.cseq.method === 'INVITE' &&
      this.#dialogs.knows(essentials)
    )
      // Later than its transaction; the caller still has to acknowledge it.
      this.#send(up.message, up.path);
    else this.#count('dropped.stray');
  }

  #badRequest(message, source) {
    this.#count('requests.malformed');
    try {
      const top = parseVia(headerValues(message, 'Via')[0] ?? '');
      this.#answer(withSource(message, top, source), 'bad', 400, 'Bad Request');
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#count('dropped.malformed');
    }
  }

  /** Without a transaction: a repeated request gets the same again. */
  #answer(request, id, status, reason, more = {}) {
    if (request.method === 'ACK') {
      this.#count('dropped.ack');
      return;
    }
    this.#count(`responses.${status}`);
    const tag = status === 100 ? '' : tagOf(id);
    this.#send(
      responseTo(request, status, reason, { ...more, tag }),
      returnPath(parseVia(headerValues(request, 'Via')[0])),
    );
  }

  /** What a peer has made too long to be answered is left out. */
  #attempt(run) {
    try {
      run();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#count('dropped.unsendable');
    }
  }

  #send(message, path) {
    if (path === null) {
      this.#count('dropped.unsendable');
      return;
    }
    this.#attempt(() =>
      this.forwarding.emit(
        this.moved.isIdle ? '' : callOf(headerValues(message, 'Call-ID')[0] ?? ''),
        encodeSipMessage(message),
        path,
      ),
    );
  }

  #report() {
    const { users, transactions, away, via } = this.tables;
    const dialogs = this.#dialogs.alive;
    const sizes = { users: users.size, transactions: transactions.size, away: away.size, via: via.size };
    return { ...sizes, dialogs, counters: this.counters };
  }

  #count(name, by = 1) {
    this.counters[name] = (this.counters[name] ?? 0) + by;
  }
}

const tagOf = (id) => `v-${id}`;
