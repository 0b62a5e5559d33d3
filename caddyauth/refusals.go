package caddyauth

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/internal/advice"
	"github.com/sallyport/sallyport/internal/plugin/admin"
	"github.com/sallyport/sallyport/internal/plugin/command"
	"github.com/sallyport/sallyport/internal/plugin/report"
)

// memory are the operations on what this process has in memory. They need no store, so
// that they work while there is none, and in a server without the app.
var memory = map[string]operation{
	showRefusalName: typed(showRefusal),
	tryProviderName: typed(tryProvider),
}

const showRefusalName = "refusal/show"

type refusalInput struct {
	// ErrorID is the one that the client was told, in any case.
	ErrorID string `json:"error_id"`
}

// explained is a refusal, and what to do about it.
type explained struct {
	report.Noted
	// Means and Change are those of the advice for the cause, "" without any.
	Means  string `json:"means,omitempty"`
	Change string `json:"change,omitempty"`
}

// forgottenError: a refusal is not remembered, at least not here.
type forgottenError struct {
	id string
	// oldest is the time of the oldest that is, zero if there is none.
	oldest time.Time
}

func (e *forgottenError) Error() string {
	if e.oldest.IsZero() {
		return fmt.Sprintf("error '%s' is not known: this process has refused nothing since it was started; ask the other node, or look into the access log", e.id)
	}
	return fmt.Sprintf("error '%s' is not among the last %d refusals of this process, which go back to %s; ask the other node, or look into the access log",
		e.id, report.Kept, e.oldest.Format(time.RFC3339))
}

func showRefusal(_ request, in refusalInput) (explained, error) {
	id, err := parseErrorID(in.ErrorID)
	if err != nil {
		return explained{}, err
	}
	noted, found, oldest := report.Find(id)
	if !found {
		return explained{}, &forgottenError{id, oldest}
	}
	row, _ := advice.For(noted.Module, noted.Status, noted.Cause)
	return explained{noted, row.Means, row.Change}, nil
}

// parseErrorID reads an error id as people write it.
func parseErrorID(text string) (string, error) {
	id, ok := report.ParseID(text)
	if !ok {
		return "", &command.UsageError{Text: "an error id is 12 letters and digits, such as 5YJM7XKQ2H4D; give the one that the answer had as error_id or X-Error-Id"}
	}
	return id, nil
}

// answerFromMemory performs one of the operations in memory and writes its result.
func answerFromMemory(w http.ResponseWriter, r *http.Request, do operation, c admin.Call) error {
	result, err := do(r.Context(), nil, c.Actor, c.Input)
	if forgotten, ok := errors.AsType[*forgottenError](err); ok {
		return admin.Error(http.StatusNotFound, forgotten)
	}
	if err != nil {
		return admin.Error(statusOf(err), err)
	}
	return admin.WriteJSON(w, http.StatusOK, result)
}
