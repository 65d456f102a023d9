/** What a fetch is doing, for a progress line. */
export interface FetchProgress {
  readonly step: 'download' | 'unpack' | 'verify' | 'upload';
  /** File or package. */
  readonly name: string;
  readonly bytes: number;
  /** Absent while unknown. */
  readonly totalBytes?: number;
}

export interface SourceContext {
  /** An empty folder of this fetch alone, on the same file system as the cache. */
  readonly stagingDir: string;
  readonly signal?: AbortSignal;
  onProgress(progress: FetchProgress): void;
}
