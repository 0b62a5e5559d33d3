package report

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"go.uber.org/zap"
)

// Guard serves a request, and answers by failed if that panics. What a panic says may
// have come from a client, so only its type is logged, and where it was.
func Guard[A any](log *zap.Logger, serve, failed func() A) (answer A) {
	defer func() {
		switch reason := recover(); reason {
		case nil:
		case http.ErrAbortHandler:
			panic(reason)
		default:
			log.Error("panic in the endpoint", zap.String("type", fmt.Sprintf("%T", reason)), zap.ByteString("stack", debug.Stack()))
			answer = failed()
		}
	}()
	return serve()
}
