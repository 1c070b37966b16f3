/* What is shown in the place of something: while it comes, when there is none, when it could not be had. */

import type { ComponentChildren } from "preact";

import type { Failure } from "../api/failure.ts";
import { failureText, t } from "../text/strings.ts";
import { type IconName, Icon } from "./icon.tsx";

export function Loading() {
  return (
    <p class="state" role="status">
      <span class="spinner" aria-hidden="true" />
      {t("ui.loading")}
    </p>
  );
}

export function Empty({ icon, children }: { icon?: IconName; children: ComponentChildren }) {
  return (
    <div class="state">
      {icon && <Icon name={icon} />}
      {children}
    </div>
  );
}

export function Failed({ failure, onRetry }: { failure: Failure; onRetry?: () => void }) {
  return (
    <div class="state" role="alert">
      <Icon name="failed" />
      <p>{failureText(failure)}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          {t("ui.retry")}
        </button>
      )}
    </div>
  );
}
