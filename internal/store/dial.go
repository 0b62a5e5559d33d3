package store

import (
	"context"
	"database/sql/driver"
	"errors"
)

// dialer opens connections to one file. SQLite opens a database by its path, and
// the log beside it by that path too: where another file has come, it would take
// the log of the one that has gone for the log of that one, and write it into it
// when the connection is closed. So a connection is looked at before it has read
// anything, when there is no log to it yet.
type dialer struct {
	driver.Connector
	store  *Store
	opened *connections
}

// Connect opens a connection to the file that was opened first, or none.
func (d *dialer) Connect(ctx context.Context) (driver.Conn, error) {
	d.opened.dialing.Lock()
	defer d.opened.dialing.Unlock()
	if _, err := d.store.find(d.opened); err != nil {
		return nil, err
	}
	conn, err := d.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.prepare(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// prepare looks at the file, lets SQLite open the log and looks again: what lies
// beside the file between two looks that find it belongs to it.
func (d *dialer) prepare(ctx context.Context, conn driver.Conn) error {
	if _, err := d.store.find(d.opened); err != nil {
		return err
	}
	settings, ok := conn.(driver.ExecerContext)
	if !ok {
		return errors.New("the driver runs no statement without preparing it")
	}
	for _, setting := range d.store.dialect.settings {
		if _, err := settings.ExecContext(ctx, setting, nil); err != nil {
			return err
		}
	}
	sides := findSides(d.store.location.Path)
	if _, err := d.store.find(d.opened); err != nil {
		return err
	}
	if known := d.opened.sides.Load(); known == nil || len(known.files) < len(sides.files) {
		d.opened.sides.Store(sides)
	}
	return nil
}
