// Verifiers: the check of documents under one site's settings, as a function.
import { examine, examineTools, type ExamineTools } from './examine.ts';
import { type VerifyDocument } from './report.ts';
import { type TrustSettings } from './settings.ts';

/** A verifier that works in this thread. The settings' clock is asked anew for each document. */
export function createVerifier(settings: TrustSettings): VerifyDocument {
  let tools: ExamineTools | undefined;
  return async (document) => {
    tools ??= examineTools();
    return Promise.resolve(examine(document, settings, tools));
  };
}
