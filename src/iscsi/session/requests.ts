// What initiators send besides commands and their data: NOP, text, logout, task management (RFC 7143 §11.10 to §11.18).
import { initiatorOpcode, logoutRequest, nopOut, noTag, rejectReason } from '../wire/pdu.ts';
import { type PduReader } from '../wire/pdu-reader.ts';
import { type SessionContext } from './context.ts';
import { manageTasks } from './task-management.ts';
import { TextExchange } from './text-exchange.ts';

export class Requests {
  readonly #session: SessionContext;
  readonly #text: TextExchange;

  constructor(session: SessionContext) {
    this.#session = session;
    this.#text = new TextExchange(session);
  }

  /** Takes the PDU that the reader stands on, which is neither a SCSI Command nor Data-Out. */
  take(opcode: number, reader: PduReader): void {
    const session = this.#session;
    if (reader.dataDigestBad) {
      session.reject(rejectReason.dataDigestError, reader);
      return;
    }
    switch (opcode) {
      case initiatorOpcode.nopOut:
        this.#nopOut(reader);
        return;
      case initiatorOpcode.text:
        if (session.inOrder(reader)) this.#text.take(reader);
        return;
      case initiatorOpcode.logout:
        if (session.inOrder(reader)) this.#logout(reader);
        return;
      case initiatorOpcode.taskManagement:
        if (session.host.discovery) session.reject(rejectReason.protocolError, reader);
        else if (session.inOrder(reader)) manageTasks(session, reader);
        return;
      case initiatorOpcode.snack:
        session.reject(rejectReason.snackReject, reader);
        return;
      case initiatorOpcode.login:
        session.reject(rejectReason.protocolError, reader);
        return;
      default:
        session.reject(rejectReason.commandNotSupported, reader);
    }
  }

  #nopOut(reader: PduReader): void {
    const { buffer, at, dataAt, dataLength } = reader;
    const tag = nopOut.fields.initiatorTaskTag.read(buffer, at);
    // An answer to our own ping carries no tag of the initiator's and wants no answer.
    if (tag === noTag) return;
    if (!this.#session.inOrder(reader)) return;
    const { parameters, responder } = this.#session;
    const echo = buffer.subarray(dataAt, dataAt + Math.min(dataLength, parameters.sendSegment));
    responder.nopIn(tag, noTag, nopOut.fields.lun.read(buffer, at), echo);
  }

  #logout(reader: PduReader): void {
    const { tasks, responder, host } = this.#session;
    const { initiatorTaskTag, reason } = logoutRequest.read(reader.buffer, reader.at);
    // 0 closes the session, 1 its connection, which is the only one; 2 would keep it for recovery (level 0: none).
    if (reason > 1) {
      responder.logout(initiatorTaskTag, 2);
      return;
    }
    for (const task of tasks.all()) tasks.end(task);
    responder.logout(initiatorTaskTag, 0);
    host.finish('logout');
  }
}
