// SPDX-License-Identifier: Apache-2.0
export { formatDuration, parseDuration } from './duration.ts';
export { declarationJsonSchema } from './json-schema.ts';
export { DECLARATION_OCTETS_MAX, type ReadDeclaration, readDeclaration } from './read.ts';
export { declarationReference } from './reference.ts';
