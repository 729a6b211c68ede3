// The helper library that scripts know as `$.util`.
{
  local util = self,

  // Functions of Rust; see natives.rs.
  local native_convert = std.native('date_convert'),
  local native_add_day = std.native('date_add_day'),

  local member(value, key) =
    if std.isObject(value) && std.objectHasAll(value, key) then value[key] else null,

  // As everywhere in mappings, a number equals its decimal text.
  local alike(one, other) =
    one == other || (std.isNumber(one) && std.isString(other) && std.toString(one) == other)
    || (std.isString(one) && std.isNumber(other) && one == std.toString(other)),

  local number(value) = if std.isString(value) then std.parseJson(value) else value,

  local absent(value) = value == null || value == '',

  lookup_field:: std.native('lookup_field'),

  lookup_custom_field(id, obj, default='')::
    local own = member(obj, 'custom_fields');
    local fields = if own == null then member(member(obj, 'workorder'), 'custom_fields') else own;
    local list(value) = if std.isArray(value) then value else [];
    local groups = list(member(fields, 'results'));
    local all = std.flatMap(function(group) [group] + list(member(group, 'results')), groups)
                + [member(fields, 'internal')];
    local named = [
      field
      for field in all
      if std.isObject(field) && std.objectHasAll(field, 'value') && std.toString(member(field, 'id')) == std.toString(id)
    ];
    if named == [] || named[0].value == null then default else named[0].value,

  array_map(array_def, val, default=null)::
    local found = [entry for entry in array_def if alike(entry.cmp, val)];
    if found == [] then default else found[0].val,

  range_map(range_def, val, default=null)::
    if absent(val) then default
    else std.foldr(function(range, otherwise) if number(val) <= range.cmp then range.val else otherwise, range_def, default),

  date_convert(value, format_input, format_output, timezone_in='UTC', timezone_out='UTC')::
    if absent(value) then ''
    else native_convert(value, format_input, format_output, timezone_in, timezone_out),

  date_time_format_fn_utc():: 'YYYY-MM-DD HH:mm:ss',

  date_add(value, format_input='')::
    if absent(value) then '' else native_add_day(value, format_input),

  array_sum(array):: std.foldl(function(sum, value) if absent(value) then sum else sum + number(value), array, 0),

  object_map_array(arr, map):: [
    { [map[path]]: util.lookup_field(object, path) for path in std.objectFields(map) }
    for object in arr
  ],

  results_values(results, field, default='', raw=false):: [
    util.lookup_field(result, field, default, raw)
    for result in results
  ],

  results_values_unique(results, field, default='', raw=false)::
    std.foldl(
      function(seen, value) if std.member(seen, value) then seen else seen + [value],
      util.results_values(results, field, default, raw),
      [],
    ),

  results_group_by(results, group_by_field, additional_filter=function(result) true, raw=false)::
    local kept = std.filter(additional_filter, results);
    local key(result) = std.toString(util.lookup_field(result, group_by_field, '', raw));
    local keys = std.set(std.map(key, kept));
    { [name]: [result for result in kept if key(result) == name] for name in keys },

  // The exact text of the status is not documented; every writing of "approved" is taken for it.
  is_expense_approved_fn(expense)::
    std.asciiLower(std.toString(util.lookup_field(expense, 'status', ''))) == 'approved',

  sum_expense_field(expenses, field):: util.array_sum(util.results_values(expenses, field, 0)),
}
