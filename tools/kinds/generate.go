// Writes the tables of Kubernetes' own types (src/api/kinds/k8s_*.kinds) from the Go declarations of
// k8s.io/api and k8s.io/apimachinery. Run by hand when that version changes; see README.md here.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

type pkg struct {
	alias, dir, full, apiVersion string
	types                        map[string]*ast.TypeSpec
	docs                         map[string][]string // + markers of a type
	consts                       map[string][]string // enum values by type name
	values                       map[string]string   // constants by name
	seen                         map[string]bool
	order                        []string
}

var packages = []*pkg{
	{alias: "meta", dir: "M/pkg/apis/meta/v1", full: "io.k8s.apimachinery.pkg.apis.meta.v1", apiVersion: "v1"},
	{alias: "core", dir: "A/core/v1", full: "io.k8s.api.core.v1", apiVersion: "v1"},
	{alias: "apps", dir: "A/apps/v1", full: "io.k8s.api.apps.v1", apiVersion: "apps/v1"},
	{alias: "batch", dir: "A/batch/v1", full: "io.k8s.api.batch.v1", apiVersion: "batch/v1"},
	{alias: "autoscalingv1", dir: "A/autoscaling/v1", full: "io.k8s.api.autoscaling.v1", apiVersion: "autoscaling/v1"},
	{alias: "autoscaling", dir: "A/autoscaling/v2", full: "io.k8s.api.autoscaling.v2", apiVersion: "autoscaling/v2"},
	{alias: "networking", dir: "A/networking/v1", full: "io.k8s.api.networking.v1", apiVersion: "networking.k8s.io/v1"},
	{alias: "policy", dir: "A/policy/v1", full: "io.k8s.api.policy.v1", apiVersion: "policy/v1"},
	{alias: "rbac", dir: "A/rbac/v1", full: "io.k8s.api.rbac.v1", apiVersion: "rbac.authorization.k8s.io/v1"},
	{alias: "storage", dir: "A/storage/v1", full: "io.k8s.api.storage.v1", apiVersion: "storage.k8s.io/v1"},
	{alias: "scheduling", dir: "A/scheduling/v1", full: "io.k8s.api.scheduling.v1", apiVersion: "scheduling.k8s.io/v1"},
	{alias: "admissionregistration", dir: "A/admissionregistration/v1", full: "io.k8s.api.admissionregistration.v1", apiVersion: "admissionregistration.k8s.io/v1"},
	{alias: "coordination", dir: "A/coordination/v1", full: "io.k8s.api.coordination.v1", apiVersion: "coordination.k8s.io/v1"},
	{alias: "discovery", dir: "A/discovery/v1", full: "io.k8s.api.discovery.v1", apiVersion: "discovery.k8s.io/v1"},
	{alias: "authorization", dir: "A/authorization/v1", full: "io.k8s.api.authorization.v1", apiVersion: "authorization.k8s.io/v1"},
	{alias: "authentication", dir: "A/authentication/v1", full: "io.k8s.api.authentication.v1", apiVersion: "authentication.k8s.io/v1"},
}

var roots = map[string][]string{
	"meta": {"ObjectMeta", "ListMeta", "DeleteOptions", "Status", "LabelSelector", "ManagedFieldsEntry",
		"Condition", "PatchOptions", "CreateOptions", "UpdateOptions"},
	"core": {"Namespace", "Node", "Pod", "PodTemplate", "Service", "ConfigMap", "Secret", "ServiceAccount",
		"Event", "PersistentVolume", "PersistentVolumeClaim", "Endpoints", "LimitRange", "ResourceQuota",
		"ReplicationController", "Binding"},
	"apps":                  {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ControllerRevision"},
	"batch":                 {"Job", "CronJob"},
	"autoscalingv1":         {"HorizontalPodAutoscaler", "Scale"},
	"autoscaling":           {"HorizontalPodAutoscaler"},
	"networking":            {"Ingress", "IngressClass", "NetworkPolicy"},
	"policy":                {"PodDisruptionBudget", "Eviction"},
	"rbac":                  {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"},
	"storage":               {"StorageClass"},
	"scheduling":            {"PriorityClass"},
	"admissionregistration": {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"},
	"coordination":          {"Lease"},
	"discovery":             {"EndpointSlice"},
	"authorization":         {"SelfSubjectAccessReview"},
	"authentication":        {"TokenRequest"},
}

var imports = map[string]string{"metav1": "meta", "v1": "core", "corev1": "core", "api": "core", "apiv1": "core"}

var scalars = map[string]string{
	"metav1.Time": "time", "metav1.MicroTime": "microTime", "metav1.Duration": "duration",
	"Time": "time", "MicroTime": "microTime", "Duration": "duration",
	"resource.Quantity": "quantity", "intstr.IntOrString": "intOrString",
	"runtime.RawExtension": "any", "FieldsV1": "any", "types.UID": "string", "types.NodeName": "string",
	"string": "string", "bool": "bool", "int32": "int32", "int64": "int64", "int": "int64", "uint8": "int32",
	"float64": "double", "float32": "double",
}

func find(alias string) *pkg {
	for _, p := range packages {
		if p.alias == alias {
			return p
		}
	}
	return nil
}

func markers(groups ...*ast.CommentGroup) []string {
	var out []string
	for _, g := range groups {
		if g == nil {
			continue
		}
		for _, c := range g.List {
			text := strings.TrimSpace(strings.TrimPrefix(c.Text, "//"))
			if strings.HasPrefix(text, "+") {
				out = append(out, text[1:])
			}
		}
	}
	return out
}

func value(list []string, key string) (string, bool) {
	for _, m := range list {
		if m == key {
			return "", true
		}
		if strings.HasPrefix(m, key+"=") {
			return m[len(key)+1:], true
		}
	}
	return "", false
}

func load(p *pkg, dir string) {
	p.types, p.docs = map[string]*ast.TypeSpec{}, map[string][]string{}
	p.consts, p.values, p.seen = map[string][]string{}, map[string]string{}, map[string]bool{}
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.Contains(file, "generated") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			panic(err)
		}
		for _, d := range tree.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range g.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					p.types[s.Name.Name] = s
					// Markers may stand in a comment group of their own above the doc comment.
					list := markers(g.Doc, s.Doc)
					for _, c := range tree.Comments {
						if c.End() < s.Pos() && s.Pos()-c.End() < 4000 && g.Doc != nil && c.End() < g.Doc.Pos() &&
							g.Doc.Pos()-c.End() < 4 {
							list = append(list, markers(c)...)
						}
					}
					p.docs[s.Name.Name] = list
				case *ast.ValueSpec:
					for i, n := range s.Names {
						if i >= len(s.Values) {
							continue
						}
						lit, ok := s.Values[i].(*ast.BasicLit)
						if !ok || lit.Kind != token.STRING {
							continue
						}
						text, _ := strconv.Unquote(lit.Value)
						p.values[n.Name] = text
						if id, ok := s.Type.(*ast.Ident); ok {
							p.consts[id.Name] = append(p.consts[id.Name], text)
						}
					}
				}
			}
		}
	}
}

// text of a Go type in the tables' own words; notes whether it is a pointer and its named type.
func (p *pkg) typeOf(e ast.Expr) (string, *pkg, string) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return p.typeOf(e.X)
	case *ast.ArrayType:
		if id, ok := e.Elt.(*ast.Ident); ok && id.Name == "byte" {
			return "bytes", nil, ""
		}
		item, from, name := p.typeOf(e.Elt)
		return "[]" + item, from, name
	case *ast.MapType:
		item, from, name := p.typeOf(e.Value)
		return "{}" + item, from, name
	case *ast.SelectorExpr:
		q := e.X.(*ast.Ident).Name
		if s, ok := scalars[q+"."+e.Sel.Name]; ok {
			return s, nil, ""
		}
		alias, ok := imports[q]
		if !ok {
			panic("import " + q + " in " + p.alias)
		}
		return find(alias).named(e.Sel.Name, p)
	case *ast.Ident:
		if p.alias == "meta" || p.types[e.Name] == nil {
			if s, ok := scalars[e.Name]; ok {
				return s, nil, ""
			}
		}
		return p.named(e.Name, p)
	}
	panic(fmt.Sprintf("type %T in %s", e, p.alias))
}

func (p *pkg) named(name string, from *pkg) (string, *pkg, string) {
	spec := p.types[name]
	if spec == nil {
		panic("no type " + p.alias + "." + name)
	}
	if _, ok := spec.Type.(*ast.StructType); ok {
		p.need(name)
		if p == from {
			return name, p, name
		}
		return p.alias + "." + name, p, name
	}
	text, _, _ := p.typeOf(spec.Type)
	return text, p, name
}

func (p *pkg) need(name string) {
	if p.seen[name] {
		return
	}
	p.seen[name] = true
	p.order = append(p.order, name)
	for _, f := range p.types[name].Type.(*ast.StructType).Fields.List {
		if jsonName(f) != "-" {
			if s, ok := f.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "TypeMeta" {
				continue
			}
			if i, ok := f.Type.(*ast.Ident); ok && i.Name == "TypeMeta" {
				continue
			}
			p.typeOf(f.Type)
		}
	}
}

func tag(f *ast.Field) reflect.StructTag {
	if f.Tag == nil {
		return ""
	}
	return reflect.StructTag(strings.Trim(f.Tag.Value, "`"))
}
func jsonName(f *ast.Field) string { return strings.Split(tag(f).Get("json"), ",")[0] }
func number(f *ast.Field) string {
	parts := strings.Split(tag(f).Get("protobuf"), ",")
	if len(parts) > 1 {
		return parts[1]
	}
	return "0"
}

func (p *pkg) line(f *ast.Field) string {
	text, from, name := p.typeOf(f.Type)
	out := []string{jsonName(f), number(f), text}
	marks := markers(f.Doc)
	_, pointer := f.Type.(*ast.StarExpr)
	omit := strings.Contains(tag(f).Get("json"), "omitempty")
	_, optional := value(marks, "optional")
	if !omit && !optional {
		out = append(out, "!")
	}
	_, isStruct := find1(from, name)
	plain := !strings.HasPrefix(text, "[]") && !strings.HasPrefix(text, "{}")
	if omit && !pointer && !(isStruct && plain) && text != "any" && text != "time" && text != "microTime" &&
		text != "quantity" && text != "intOrString" && text != "duration" {
		out = append(out, "z")
	}
	if s := tag(f).Get("patchStrategy"); s != "" {
		if strings.Contains(s, "merge") {
			out = append(out, "m")
		}
		if strings.Contains(s, "retainKeys") {
			out = append(out, "rk")
		}
	}
	if k := tag(f).Get("patchMergeKey"); k != "" {
		out = append(out, "k="+k)
	}
	if l, ok := value(marks, "listType"); ok {
		if l == "map" {
			var keys []string
			for _, m := range marks {
				if strings.HasPrefix(m, "listMapKey=") {
					keys = append(keys, m[len("listMapKey="):])
				}
			}
			l += ":" + strings.Join(keys, ",")
		}
		if l != "atomic" {
			out = append(out, "l="+l)
		}
	}
	if s, _ := value(marks, "structType"); s == "atomic" {
		out = append(out, "a")
	}
	if s, _ := value(marks, "mapType"); s == "atomic" {
		out = append(out, "a")
	}
	if d, ok := value(marks, "default"); ok {
		if strings.HasPrefix(d, "ref(") {
			d = p.values[d[4:len(d)-1]]
			b, _ := json.Marshal(d)
			d = string(b)
		}
		if d != `""` && !strings.Contains(d, " ") {
			out = append(out, "d="+d)
		}
	}
	if from != nil && text == "string" {
		if _, ok := value(from.docs[name], "enum"); ok {
			var values []string
			for _, v := range from.consts[name] {
				if v != "" {
					values = append(values, v)
				}
			}
			if len(values) > 0 {
				out = append(out, "e="+strings.Join(values, "|"))
			}
		}
	}
	return strings.Join(out, " ")
}

func find1(p *pkg, name string) (*ast.TypeSpec, bool) {
	if p == nil {
		return nil, false
	}
	spec := p.types[name]
	if spec == nil {
		return nil, false
	}
	_, ok := spec.Type.(*ast.StructType)
	return spec, ok
}

func (p *pkg) write(out string) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by tools/kinds; do not edit.\n%%package %s %s %s\n", p.alias, p.full, p.apiVersion)
	sort.Strings(p.order)
	for _, name := range p.order {
		head := "@" + name
		if s, _ := value(p.docs[name], "structType"); s == "atomic" {
			head += " atomic"
		}
		fmt.Fprintln(&b, head)
		for _, f := range p.types[name].Type.(*ast.StructType).Fields.List {
			if jsonName(f) == "-" {
				continue
			}
			if jsonName(f) == "" {
				text := ""
				if s, ok := f.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "TypeMeta" {
					text = "TypeMeta"
				} else if i, ok := f.Type.(*ast.Ident); ok && i.Name == "TypeMeta" {
					text = "TypeMeta"
				}
				if text == "TypeMeta" {
					fmt.Fprint(&b, "apiVersion 0 string\nkind 0 string\n")
				} else {
					text, _, _ = p.typeOf(f.Type)
					fmt.Fprintf(&b, "<< %s %s\n", number(f), text)
				}
				continue
			}
			fmt.Fprintln(&b, p.line(f))
		}
	}
	if err := os.WriteFile(filepath.Join(out, "k8s_"+p.alias+".kinds"), []byte(b.String()), 0o644); err != nil {
		panic(err)
	}
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: go run generate.go API_DIR APIMACHINERY_DIR OUT_DIR")
		os.Exit(2)
	}
	for _, p := range packages {
		load(p, strings.NewReplacer("A/", os.Args[1]+"/", "M/", os.Args[2]+"/").Replace(p.dir))
	}
	for _, p := range packages {
		for _, name := range roots[p.alias] {
			p.need(name)
		}
	}
	for _, p := range packages {
		p.write(os.Args[3])
	}
}
