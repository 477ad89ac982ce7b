// SPDX-License-Identifier: Apache-2.0
export { exportFlows, type FlowExportResult, type FlowSource, type FlowStateKind } from './export.ts';
export { FlowImporter, type FlowImportResult, type FlowRefusal, type FlowTable } from './import.ts';
