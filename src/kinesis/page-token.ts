/**
 * Next tokens of the list operations: where the next page starts and what it lists, sealed, good for five minutes.
 * The payload is JSON: it is ours, sealed, and read back only after its seal was checked.
 */
import { invalidArgument, KinesisError } from "./errors.ts";
import { type SealedTokens, TOKEN_LIFETIME_MS, type TokenPurpose } from "./sealed-token.ts";

export function sealPageToken(tokens: SealedTokens, purpose: TokenPurpose, page: object): string {
  return tokens.seal(purpose, Buffer.from(JSON.stringify(page)));
}

/**
 * The page that a next token stands for; `Page` is what sealPageToken was given for this purpose. Throws
 * InvalidArgumentException on a text that is no such token, ExpiredNextTokenException on one too old.
 */
export function openPageToken<Page>(tokens: SealedTokens, purpose: TokenPurpose, text: string): Page {
  const token = tokens.open(purpose, text);
  if (token === undefined) throw invalidArgument("Invalid NextToken.");
  if (token.expired) {
    throw new KinesisError(
      "ExpiredNextTokenException",
      `NextToken expired. It is valid for ${TOKEN_LIFETIME_MS / 1000} seconds: list again from the start.`,
    );
  }
  return JSON.parse(token.payload.toString()) as Page;
}
