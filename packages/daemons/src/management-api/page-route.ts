// SPDX-License-Identifier: Apache-2.0
import type { FastifyInstance } from 'fastify';
import { ApiError } from './api-error.ts';
import { pageHeaders, readStaticFile } from './static-files.ts';

/** GET of everything that no other route takes: the files of the page, below `directory`. */
export function addPageRoute(app: FastifyInstance, directory: string | undefined): void {
  app.get('/*', async (request, reply) => {
    const path = request.raw.url?.split('?')[0] ?? '/';
    const file =
      directory === undefined || path.startsWith('/v1/') ? undefined : await readStaticFile(directory, path);
    if (file === undefined) {
      const why = path === '/' ? ': the page is not part of this installation' : '';
      throw new ApiError(404, 'not-found', `there is no GET ${path}${why}`);
    }
    reply.headers(pageHeaders).header('cache-control', file.cacheControl).header('etag', file.etag);
    if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
    return reply.type(file.contentType).send(file.bytes);
  });
}
