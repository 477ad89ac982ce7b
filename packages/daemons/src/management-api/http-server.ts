// SPDX-License-Identifier: Apache-2.0
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { type Access, checkAccess } from './access.ts';
import { ApiError } from './api-error.ts';
import { pageHeaders } from './static-files.ts';

/** The little that is needed of a logger; pino's fits. */
export interface ApiLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export const BODY_BYTES_MAX: number = 1024 * 1024;
/** Faults of one body that are told; the rest is counted. */
const BODY_FAULTS_TOLD_MAX = 8;

/** An empty server with our manners: who may come in, how bodies are checked, and how every error looks. */
export function createHttpServer(access: Access, log: ApiLog): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    connectionTimeout: 0,
    requestTimeout: 30_000,
    keepAliveTimeout: 10_000,
    forceCloseConnections: true,
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: true },
    },
    exposeHeadRoutes: false,
    frameworkErrors: (error, request, reply: FastifyReply) => {
      const answer = answerOf(error, log, request.method, request.raw.url);
      void reply.code(answer.status).send(answer.toView());
    },
  });
  // Only JSON: a form or a text/plain body is what a page of a stranger could send without being asked first.
  app.removeContentTypeParser('text/plain');
  app.server.maxConnections = 256;
  app.addHook('onRequest', (request, reply, done) => {
    const path = (request.raw.url ?? '/').split('?')[0] ?? '/';
    reply.header('x-content-type-options', 'nosniff');
    if (path.startsWith('/v1')) reply.header('cache-control', 'no-store');
    try {
      // The route, not the text of the path, decides: no spelling of a path gets around the token.
      const isApi = request.routeOptions.url?.startsWith('/v1') ?? true;
      checkAccess(access, request.headers, isApi || path.startsWith('/v1'));
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  app.setErrorHandler((error, request, reply) => {
    const answer = answerOf(error, log, request.method, request.raw.url);
    if (answer.status === 401) reply.header('www-authenticate', 'Bearer');
    void reply.code(answer.status).headers(pageHeaders).send(answer.toView());
  });
  return app;
}

interface FrameworkError {
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly message?: unknown;
  readonly validation?: readonly BodyFault[];
}

interface BodyFault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

const codes: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'json-only',
};

function answerOf(error: unknown, log: ApiLog, method: string, url: string | undefined): ApiError {
  if (error instanceof ApiError) return error;
  const known = (typeof error === 'object' && error !== null ? error : {}) as FrameworkError;
  if (known.validation !== undefined)
    return new ApiError(400, 'invalid-request', bodyMessage(known.validation));
  if (typeof known.statusCode === 'number' && known.statusCode >= 400 && known.statusCode < 500) {
    const code = codes[String(known.code)] ?? 'invalid-request';
    return new ApiError(known.statusCode, code, String(known.message));
  }
  log.error({ err: error, method, url }, 'request failed');
  return new ApiError(500, 'internal', 'the manager failed to answer this; its log has the reason');
}

function bodyMessage(faults: readonly BodyFault[]): string {
  const told = faults.slice(0, BODY_FAULTS_TOLD_MAX).map(faultText);
  const more = faults.length > told.length ? [`and ${faults.length - told.length} more`] : [];
  return `the body is not as it must be: ${[...told, ...more].join('; ')}`;
}

/** `ttlMs must be >= 1000`, `role must be one of node, registrar, user`, `unknown property "colour"`. */
function faultText(fault: BodyFault): string {
  const where = fault.instancePath.slice(1).replaceAll('/', '.');
  const subject = where === '' ? '' : `${where} `;
  switch (fault.keyword) {
    case 'required':
      return `${where === '' ? '' : `${where}.`}${String(fault.params['missingProperty'])} is missing`;
    case 'additionalProperties':
      return `${subject}has an unknown property ${JSON.stringify(fault.params['additionalProperty'])}`.trim();
    case 'enum':
      return `${subject}must be one of ${(fault.params['allowedValues'] as readonly string[]).join(', ')}`;
    default:
      return `${subject}${fault.message ?? 'is wrong'}`;
  }
}
