// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';

/** A file of the page, ready to be answered. */
export interface StaticFile {
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly cacheControl: string;
  readonly etag: string;
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

const FILE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The page takes scripts and styles only from here, talks only to here and stands in no frame of another.
 * Sent with every file.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/**
 * Reads a file below `directory` for a request path such as `/assets/page-1a2b.js`; `/` is `index.html`.
 * Undefined when there is none: also for paths that climb out, hidden files, unknown kinds of file and
 * symbolic links that lead outside.
 */
export async function readStaticFile(
  directory: string,
  requestPath: string,
): Promise<StaticFile | undefined> {
  const parts = partsOf(requestPath);
  if (parts === undefined) return undefined;
  const relative = parts.length === 0 ? 'index.html' : parts.join(sep);
  const contentType = contentTypes[extname(relative).toLowerCase()];
  if (contentType === undefined) return undefined;
  try {
    const root = await realpath(directory);
    const file = await realpath(join(root, relative));
    if (!file.startsWith(root + sep)) return undefined;
    const info = await stat(file);
    if (!info.isFile() || info.size > FILE_BYTES_MAX) return undefined;
    const bytes = await readFile(file);
    return { bytes, contentType, cacheControl: cacheControlOf(parts), etag: etagOf(bytes) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'].includes(code)) return undefined;
    throw error;
  }
}

/** Decoded segments of the path, or undefined when one of them is not plainly a name. */
function partsOf(requestPath: string): string[] | undefined {
  const parts: string[] = [];
  for (const segment of requestPath.split('/')) {
    if (segment === '') continue;
    let name: string;
    try {
      name = decodeURIComponent(segment);
    } catch {
      return undefined;
    }
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name)) return undefined;
    parts.push(name);
  }
  return parts;
}

/** The bundler puts a digest of the content into the names below `assets`, so those never change. */
function cacheControlOf(parts: readonly string[]): string {
  return parts[0] === 'assets' ? 'public, max-age=31536000, immutable' : 'no-cache';
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
}
