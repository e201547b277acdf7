package broker

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ot2flow/ot2flow/workflows/whole"
)

// The files of users. Beside them there is one for each, with the password.
const (
	PasswordsFile = "passwords" // as mosquitto has them: a name and a hash
	RolesFile     = "roles"     // a name and a role
)

// PasswordFile is where the password of a user is.
func PasswordFile(name string) string { return name + ".password" }

// Users writes who may come to a broker into a folder, which is made. Those that are there
// keep their passwords, others are gone, and new ones get a password that nobody can guess;
// these are returned.
func Users(dir string, users []User) (made []User, err error) {
	seen := map[string]bool{}
	for _, u := range users {
		if err := u.check(); err != nil {
			return nil, err
		}
		if seen[strings.ToLower(u.Name)] { // in one letter of a name nobody sees a difference
			return nil, fmt.Errorf("there are two users %s", u.Name)
		}
		seen[strings.ToLower(u.Name)] = true
	}
	if len(users) == 0 {
		return nil, errors.New("there is nobody who may come: name devices, controllers or sensors")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	hashes, err := pairs(filepath.Join(dir, PasswordsFile), ":")
	if err != nil {
		return nil, err
	}
	var passwords, roles bytes.Buffer
	for _, u := range users {
		hash := hashes[u.Name]
		if hash == "" {
			if hash, err = newPassword(filepath.Join(dir, PasswordFile(u.Name))); err != nil {
				return nil, err
			}
			made = append(made, u)
		}
		fmt.Fprintf(&passwords, "%s:%s\n", u.Name, hash)
		fmt.Fprintf(&roles, "%s %s\n", u.Name, u.Role)
	}
	return made, errors.Join(whole.Replace(filepath.Join(dir, PasswordsFile), passwords.Bytes(), 0o600), whole.Replace(filepath.Join(dir, RolesFile), roles.Bytes(), 0o600))
}

// ReadUsers are the users in a folder, by name; none where there is no such folder.
func ReadUsers(dir string) (map[string]User, error) {
	list, err := known(dir)
	out := map[string]User{}
	for name, e := range list {
		out[name] = e.User
	}
	return out, err
}

// known are the users in a folder, with what they may do.
func known(dir string) (map[string]entry, error) {
	hashes, err := pairs(filepath.Join(dir, PasswordsFile), ":")
	if err != nil {
		return nil, err
	}
	roles, err := pairs(filepath.Join(dir, RolesFile), " ")
	if err != nil {
		return nil, err
	}
	out := map[string]entry{}
	for name, role := range roles {
		u := User{name, Role(role)}
		if err := u.check(); err != nil {
			return nil, err
		}
		out[name] = entry{u, hashes[name], u.Rules()}
	}
	return out, nil
}

// pairs reads a file of lines with two words each; nothing where there is none.
func pairs(file, sep string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if first, second, ok := strings.Cut(strings.TrimSpace(line), sep); ok {
			out[first] = second
		}
	}
	return out, nil
}

// rounds is how often a password is hashed. It is random, so that nobody tries them out.
const rounds = 101

// newPassword writes a password into a file that only its owner reads, and returns what
// mosquitto knows it by.
func newPassword(file string) (string, error) {
	password := rand.Text()
	if err := whole.Replace(file, []byte(password+"\n"), 0o600); err != nil {
		return "", err
	}
	salt := make([]byte, 12)
	_, _ = rand.Read(salt) // it never fails
	key, err := pbkdf2.Key(sha512.New, password, salt, rounds, 64)
	if err != nil {
		return "", err
	}
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("$7$%d$%s$%s", rounds, encode(salt), encode(key)), nil
}
