/** What a SASL mechanism is to the rest: messages in, answers out, and a name at the end. */

/** The answer to one message of a login, with the user's name at the end of it; undefined when it has failed. */
export type Step = { readonly answer: Buffer; readonly user?: string } | undefined;

/** A login that is going on. */
export interface Exchange {
  step(message: Buffer): Step | Promise<Step>;
}
