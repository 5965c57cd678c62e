// Text requests of the full feature phase: SendTargets and negotiation after login (RFC 7143 §11.10, appendix C).
import { portalGroupTag } from '../login/negotiation.ts';
import { formatText, parseText, TextError } from '../login/text.ts';
import { noTag, rejectReason, textRequest } from '../wire/pdu.ts';
import { type PduReader } from '../wire/pdu-reader.ts';
import { headerOf } from './responder.ts';
import { type SessionContext } from './context.ts';

export class TextExchange {
  readonly #session: SessionContext;
  #collected: Buffer[] = [];
  #collectedBytes = 0;
  /** The rest of an answer that did not fit into one PDU, and the tag under which the initiator asks for it. */
  #rest: Buffer = Buffer.alloc(0);
  #restTag = noTag;
  #nextTag = 1;

  constructor(session: SessionContext) {
    this.#session = session;
  }

  take(reader: PduReader): void {
    const { buffer, at, dataAt, dataLength } = reader;
    const request = textRequest.read(buffer, at);
    const tag = request.initiatorTaskTag;
    if (request.targetTransferTag !== noTag && this.#rest.length > 0) {
      if (request.targetTransferTag === this.#restTag) this.#send(tag, this.#rest);
      else this.#session.reject(rejectReason.invalidPduField, reader);
      return;
    }
    this.#collectedBytes += dataLength;
    if (this.#collectedBytes > this.#session.host.limits.textBytes) {
      this.#forget();
      this.#session.reject(rejectReason.invalidPduField, reader);
      return;
    }
    this.#collected.push(Buffer.from(buffer.subarray(dataAt, dataAt + dataLength)));
    if (request.continues) {
      this.#session.responder.text(tag, this.#newTag(), false, Buffer.alloc(0));
      return;
    }
    const whole = Buffer.concat(this.#collected);
    this.#forget();
    try {
      this.#answer(tag, parseText(whole), headerOf(buffer, at));
    } catch (error) {
      if (!(error instanceof TextError)) throw error;
      this.#session.reject(rejectReason.invalidPduField, reader);
    }
  }

  #forget(): void {
    this.#collected = [];
    this.#collectedBytes = 0;
  }

  #newTag(): number {
    const tag = this.#nextTag;
    this.#nextTag = (tag % 0x7fffffff) + 1;
    return tag;
  }

  #answer(tag: number, keys: ReadonlyMap<string, string>, header: Buffer): void {
    const wanted = keys.get('SendTargets');
    const others = [...keys.keys()].filter((key) => key !== 'SendTargets');
    const answers = others.map((key): [string, string] => [key, 'NotUnderstood']);
    if (wanted === undefined) {
      this.#send(tag, formatText(answers));
      return;
    }
    this.#session.host.suspend();
    void this.#listTargets(tag, formatText(answers), wanted, header);
  }

  async #listTargets(tag: number, before: Buffer, wanted: string, header: Buffer): Promise<void> {
    const { host, responder } = this.#session;
    try {
      const names = await host.listTargets();
      this.#send(tag, Buffer.concat([before, this.#records(names, wanted)]));
    } catch (error) {
      host.warn('the list of targets is not to be had', error);
      responder.reject(rejectReason.protocolError, header);
    }
    host.writer.flush();
    host.resume();
  }

  /** RFC 7143 appendix C: All only in discovery; a name, or nothing for the session's own target, in both. */
  #records(names: readonly string[], wanted: string): Buffer {
    const { host } = this.#session;
    let shown: readonly string[];
    if (wanted === 'All') shown = host.discovery ? names : names.filter((name) => name === host.targetName);
    else {
      const name = wanted === '' ? host.targetName : wanted.toLowerCase();
      shown = names.filter((each) => each === name);
    }
    return Buffer.concat(
      shown.map((name) =>
        formatText([
          ['TargetName', name],
          ['TargetAddress', `${host.portalAddress},${portalGroupTag}`],
        ]),
      ),
    );
  }

  #send(tag: number, body: Buffer): void {
    const segment = this.#session.parameters.sendSegment;
    const part = body.subarray(0, segment);
    this.#rest = body.subarray(part.length);
    const final = this.#rest.length === 0;
    this.#restTag = final ? noTag : this.#newTag();
    this.#session.responder.text(tag, this.#restTag, final, part);
  }
}
