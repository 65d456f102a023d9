/** The right to write, held by one controller at a time. */
export interface Leadership {
  /** Rises with every election; stands in every record its holder writes. */
  readonly term: number;
  /** Whether this process may still write. False for good once it was lost. */
  holds(): boolean;
  /** Aborted when the leadership was lost (reason: an AdctlError) or let go. */
  readonly lost: AbortSignal;
  /** Lets go, so that the next leader need not wait. */
  release(): Promise<void>;
}
