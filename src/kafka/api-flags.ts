/**
 * What is said of an API in its row of the table, beyond its messages and its handler: whether requests of it may
 * overtake others in the line, and what may be asked before a login.
 */
export interface ApiFlags {
  /**
   * The next request may start before this one is answered; replies still go out in order. Without it a request
   * waits for all earlier ones and holds back all later ones.
   */
  readonly pipelined?: boolean;
  /** Lowest version that ApiVersions tells of, where that is not the lowest spoken. */
  readonly advertisedMin?: number;
  /** Allowed before a login, where one is needed. */
  readonly beforeLogin?: boolean;
}
